// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// FieldManager owns the fields of what is applied here.
const FieldManager = "rolecall-dev"

// ApplyDir applies the manifests of a folder, and returns how many it applied.
// See ReadManifests and Apply; nothing is applied if any file cannot be read.
func ApplyDir(ctx context.Context, config *rest.Config, dir string) (int, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, fmt.Errorf("apply: %w", err)
	}
	if !info.IsDir() {
		return 0, fmt.Errorf("apply %s: not a folder", dir)
	}
	manifests, err := ReadManifests(os.DirFS(dir))
	if err != nil {
		return 0, fmt.Errorf("apply %s: %w", dir, err)
	}
	if len(manifests) == 0 {
		return 0, fmt.Errorf("apply %s: no manifests in it (.yaml, .yml or .json)", dir)
	}
	applied, err := Apply(ctx, config, manifests)
	if err != nil {
		return applied, fmt.Errorf("apply %s: %w", dir, err)
	}
	return applied, nil
}

// Apply applies objects by server-side apply, as FieldManager, with strict
// validation; it takes over fields that others have set. Objects without a
// namespace go to DefaultNamespace. It goes on after a refusal: the count is of
// those applied, and the error joins the others', each with its place and what
// the API server said.
func Apply(ctx context.Context, config *rest.Config, manifests []Manifest) (int, error) {
	a, err := newApplier(config)
	if err != nil {
		return 0, err
	}
	applied := 0
	var faults []error
	for _, m := range manifests {
		if err := a.apply(ctx, m.Object); err != nil {
			faults = append(faults, fmt.Errorf("%s (%s %s): %w", m.Where, m.Object.GetKind(), m.Object.GetName(), err))
			continue
		}
		applied++
	}
	return applied, errors.Join(faults...)
}

type applier struct {
	mapper meta.RESTMapper
	client dynamic.Interface
}

func newApplier(config *rest.Config) (*applier, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a discovery client: %w", err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discover))
	return &applier{mapper: mapper, client: client}, nil
}

func (a *applier) apply(ctx context.Context, obj *unstructured.Unstructured) error {
	gvk := obj.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		return fmt.Errorf("no CRD that is installed defines kind %s in %s", gvk.Kind, gvk.GroupVersion())
	}
	if err != nil {
		return fmt.Errorf("find the resource: %w", err)
	}
	body, err := json.Marshal(obj)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	force := true
	options := metav1.PatchOptions{FieldManager: FieldManager, Force: &force, FieldValidation: metav1.FieldValidationStrict}
	_, err = a.resource(mapping, obj).Patch(ctx, obj.GetName(), types.ApplyPatchType, body, options)
	return err
}

func (a *applier) resource(mapping *meta.RESTMapping, obj *unstructured.Unstructured) dynamic.ResourceInterface {
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return a.client.Resource(mapping.Resource)
	}
	namespace := obj.GetNamespace()
	if namespace == "" {
		namespace = DefaultNamespace
	}
	return a.client.Resource(mapping.Resource).Namespace(namespace)
}
