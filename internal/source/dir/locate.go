// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is where a field stands: its key, or the item of a list, and its value.
type place struct {
	key, value *yaml.Node
}

// locate returns the place of a field such as spec.permissions[0].condition
// below a node, or of the nearest field around it that is there; whole says
// which of the two.
func locate(root *yaml.Node, path string) (at place, whole bool) {
	at = place{key: root, value: root}
	for _, step := range steps(path) {
		next, found := child(at.value, step)
		if !found {
			return at, false
		}
		at = next
	}
	return at, true
}

// steps cuts a path at its dots; what stands in brackets is one step.
func steps(path string) []string {
	var out []string
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			step, rest, _ := strings.Cut(path[1:], "]")
			out, path = append(out, step), rest
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			out, path = append(out, path[:end]), path[end:]
		}
	}
	return out
}

// child returns the field or the item of a node that a step names.
func child(n *yaml.Node, step string) (place, bool) {
	n = follow(n)
	switch n.Kind {
	case yaml.SequenceNode:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(n.Content) {
			return place{}, false
		}
		return place{key: n.Content[i], value: n.Content[i]}, true
	case yaml.MappingNode:
		return entry(n, step)
	default:
		return place{}, false
	}
}

// entry returns the last field of a mapping with this key, as the readers of
// values do; entries of merged mappings come after its own.
func entry(n *yaml.Node, key string) (place, bool) {
	var found place
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			found = place{key: n.Content[i], value: n.Content[i+1]}
		}
	}
	if found.key != nil {
		return found, true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if merged := follow(n.Content[i+1]); n.Content[i].Tag == "!!merge" && merged.Kind == yaml.MappingNode && merged != n {
			return entry(merged, key)
		}
	}
	return place{}, false
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// duplicate is a field that stands twice.
type duplicate struct {
	path          string
	first, second *yaml.Node
}

// duplicates lists the repeated keys below a node. It does not follow aliases:
// what they stand for is looked at where it stands.
func duplicates(n *yaml.Node, path string) []duplicate {
	var out []duplicate
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			out = append(out, duplicates(item, path+"["+strconv.Itoa(i)+"]")...)
		}
	case yaml.MappingNode:
		seen := make(map[string]*yaml.Node, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			below := join(path, key.Value)
			if first := seen[key.Value]; first != nil {
				out = append(out, duplicate{path: below, first: first, second: key})
			} else {
				seen[key.Value] = key
			}
			out = append(out, duplicates(n.Content[i+1], below)...)
		}
	default: // holds no fields
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
