// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
// of any program sees. If the server ends it, it is begun again.
type sightings struct {
	end   context.CancelFunc
	ended chan struct{}

	mu    sync.Mutex
	at    map[string]time.Time // by resource version
	began int                  // how often the watch has begun
	news  chan struct{}
}

// errMissed is that an event came when there was no watch.
var errMissed = errors.New("the watch broke off meanwhile")

// watch begins with the present.
func (c *cluster) watch(ctx context.Context) (*sightings, error) {
	w, err := c.watchFromNow(ctx)
	if err != nil {
		return nil, err
	}
	s := &sightings{ended: make(chan struct{}), at: map[string]time.Time{}, began: 1, news: make(chan struct{}, 1)}
	ctx, s.end = context.WithCancel(ctx)
	go func() {
		defer close(s.ended)
		for ctx.Err() == nil {
			s.read(ctx, w)
			if w, err = c.watchFromNow(ctx); err != nil {
				return
			}
			s.mu.Lock()
			s.began++
			s.mu.Unlock()
		}
	}()
	return s, nil
}

func (c *cluster) watchFromNow(ctx context.Context) (watch.Interface, error) {
	var list v1alpha1.RoleBindingList
	if err := c.client.List(ctx, &list, client.InNamespace(namespace), client.Limit(1)); err != nil {
		return nil, err
	}
	options := client.ListOptions{Namespace: namespace}
	options.Raw = options.AsListOptions()
	options.Raw.ResourceVersion = list.ResourceVersion
	return c.client.Watch(ctx, &list, &options)
}

// read notes what comes until the watch ends.
func (s *sightings) read(ctx context.Context, w watch.Interface) {
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.ResultChan():
			at := time.Now()
			b, ok := e.Object.(*v1alpha1.RoleBinding)
			if !ok { // an error, or nothing: it has ended
				return
			}
			s.mu.Lock()
			s.at[b.ResourceVersion] = at
			s.mu.Unlock()
		}
		s.tell()
	}
}

func (s *sightings) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *sightings) stop() {
	s.end()
	<-s.ended
}

// watches returns how often the watch has begun.
func (s *sightings) watches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.began
}

// await returns when the version arrived, or waits until it does. It returns
// errMissed if the watch is not the one that it was, which the caller has counted.
func (s *sightings) await(ctx context.Context, version string, watches int) (time.Time, error) {
	look := time.NewTicker(time.Second) // a watch may break off and bring no news
	defer look.Stop()
	for {
		s.mu.Lock()
		at, ok := s.at[version]
		other := s.began != watches
		s.mu.Unlock()
		switch {
		case other:
			return at, errMissed
		case ok:
			return at, nil
		}
		select {
		case <-s.news:
		case <-look.C:
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
