// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

func defaultDecisionLog(l *configv1alpha1.DecisionLog) {
	if l == nil {
		return
	}
	if l.AllowSampleRate == nil {
		l.AllowSampleRate = new(0.01)
	}
	fill(&l.QueueLength, 8192)
	if l.File != nil {
		fill(&l.File.MaxMebibytes, 100)
		fill(&l.File.MaxBackups, 10)
	}
}

func decisionLog(path *field.Path, l *configv1alpha1.DecisionLog) field.ErrorList {
	if l == nil {
		return nil
	}
	var faults field.ErrorList
	if rate := *l.AllowSampleRate; !(0 <= rate && rate <= 1) {
		faults = append(faults, field.Invalid(path.Child("allowSampleRate"), rate, "must be from 0 to 1"))
	}
	return slices.Concat(faults,
		rotatedFile(path.Child("file"), l.File),
		within(path.Child("queueLength"), int64(l.QueueLength), 1, 1_000_000),
		propertyPaths(path.Child("properties", "include"), l.Properties.Include),
		propertyPaths(path.Child("properties", "mask"), l.Properties.Mask),
		masksOfNothing(path.Child("properties", "mask"), &l.Properties),
	)
}

func rotatedFile(path *field.Path, f *configv1alpha1.RotatedFile) field.ErrorList {
	if f == nil {
		return nil
	}
	var faults field.ErrorList
	if f.Path == "" {
		faults = append(faults, field.Required(path.Child("path"), "name the file, or leave out file to write to the standard output"))
	}
	return slices.Concat(faults,
		within(path.Child("maxMebibytes"), int64(f.MaxMebibytes), 1, 100_000),
		within(path.Child("maxBackups"), int64(f.MaxBackups), 1, 10_000),
		within(path.Child("maxDays"), int64(f.MaxDays), 0, 36_500),
	)
}

// propertyRoots are what the path of a property begins with.
var propertyRoots = []string{"context", "subject.properties", "action.properties", "resource.properties"}

func propertyPaths(path *field.Path, names []string) field.ErrorList {
	var faults field.ErrorList
	for i, name := range names {
		switch {
		case slices.Contains(names[:i], name):
			faults = append(faults, field.Duplicate(path.Index(i), name))
		case slices.Contains(strings.Split(name, "."), ""):
			faults = append(faults, field.Invalid(path.Index(i), name, "must be names with one dot between them, such as context.country"))
		case !slices.ContainsFunc(propertyRoots, func(root string) bool { return below(root, name) }):
			faults = append(faults, field.Invalid(path.Index(i), name, "must begin with one of "+strings.Join(propertyRoots, ", ")))
		}
	}
	return faults
}

// masksOfNothing finds masks over what is not written down anyway: whoever wrote
// one believes that something else is.
func masksOfNothing(path *field.Path, p *configv1alpha1.LoggedProperties) field.ErrorList {
	var faults field.ErrorList
	for i, mask := range p.Mask {
		if !slices.ContainsFunc(p.Include, func(included string) bool { return below(included, mask) }) {
			faults = append(faults, field.Invalid(path.Index(i), mask, "is not included, nor below what is: add it to include, or leave it out here"))
		}
	}
	return faults
}

// below reports whether the path of a property is another one, or of something
// that is below it.
func below(upper, path string) bool {
	rest, ok := strings.CutPrefix(path, upper)
	return ok && (rest == "" || rest[0] == '.')
}
