// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// sightings is a typed watch of the RoleBindings that notes when each version
// arrives. Nothing is between it and the client library: it is what the watch
// of any program sees.
type sightings struct {
	watch watch.Interface
	ended chan struct{}

	mu   sync.Mutex
	at   map[string]time.Time // by resource version
	news chan struct{}
}

// watch begins with the present.
func (c *cluster) watch(ctx context.Context) (*sightings, error) {
	var list v1alpha1.RoleBindingList
	if err := c.client.List(ctx, &list, client.InNamespace(namespace), client.Limit(1)); err != nil {
		return nil, err
	}
	options := client.ListOptions{Namespace: namespace}
	options.Raw = options.AsListOptions()
	options.Raw.ResourceVersion = list.ResourceVersion
	w, err := c.client.Watch(ctx, &list, &options)
	if err != nil {
		return nil, err
	}
	s := &sightings{watch: w, ended: make(chan struct{}), at: map[string]time.Time{}, news: make(chan struct{}, 1)}
	go s.read()
	return s, nil
}

func (s *sightings) read() {
	defer close(s.ended)
	for e := range s.watch.ResultChan() {
		at := time.Now()
		b, ok := e.Object.(*v1alpha1.RoleBinding)
		if !ok {
			return
		}
		s.mu.Lock()
		s.at[b.ResourceVersion] = at
		s.mu.Unlock()
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

func (s *sightings) stop() {
	s.watch.Stop()
	<-s.ended
}

// await returns when the version arrived, or waits until it does.
func (s *sightings) await(ctx context.Context, version string) (time.Time, error) {
	for {
		s.mu.Lock()
		at, ok := s.at[version]
		s.mu.Unlock()
		if ok {
			return at, nil
		}
		select {
		case <-s.news:
		case <-s.ended:
			return at, fmt.Errorf("the watch has ended without version %s", version)
		case <-ctx.Done():
			return at, ctx.Err()
		}
	}
}

// ask asks the door whether the user may do what the probes grant.
func (s *process) ask(ctx context.Context, user string) (bool, error) {
	body, err := json.Marshal(map[string]any{
		"subject":  map[string]string{"type": "user", "id": user},
		"action":   map[string]string{"name": actionName(0)},
		"resource": map[string]string{"type": typeName(0), "id": "1"},
	})
	if err != nil {
		return false, err
	}
	url := fmt.Sprintf("http://%s/ns/%s/access/v1/evaluation", s.door, namespace)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return false, err
	}
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the door answers %s: %s", response.Status, text)
	}
	var answer struct {
		Decision bool `json:"decision"`
	}
	return answer.Decision, json.Unmarshal(text, &answer)
}
