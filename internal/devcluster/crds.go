// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

const (
	crdPoll    = 20 * time.Millisecond
	crdTimeout = time.Minute
)

// InstallCRDs applies the CustomResourceDefinitions of all *.yaml files below
// fsys and returns when every version that they serve can be used. Installing
// again updates them. Errors name the definition and what the API server says
// of it.
func InstallCRDs(ctx context.Context, config *rest.Config, fsys fs.FS) error {
	manifests, err := ReadManifests(fsys)
	if err != nil {
		return err
	}
	crds, err := definitions(manifests)
	if err != nil {
		return err
	}
	if _, err := Apply(ctx, config, manifests); err != nil {
		return err
	}
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for CRDs: %w", err)
	}
	for _, crd := range crds {
		if err := waitServed(ctx, client, crd); err != nil {
			return err
		}
	}
	return nil
}

func definitions(manifests []Manifest) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	out := make([]*apiextensionsv1.CustomResourceDefinition, 0, len(manifests))
	for _, m := range manifests {
		crd, err := definition(m.Object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Where, err)
		}
		out = append(out, crd)
	}
	return out, nil
}

func definition(obj *unstructured.Unstructured) (*apiextensionsv1.CustomResourceDefinition, error) {
	if obj.GetKind() != "CustomResourceDefinition" {
		return nil, fmt.Errorf("kind is %q, not CustomResourceDefinition", obj.GetKind())
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, crd); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return crd, nil
}

// waitServed waits for both: what the definition's status says, and the
// discovery that clients find its resources by.
func waitServed(ctx context.Context, client clientset.Interface, crd *apiextensionsv1.CustomResourceDefinition) error {
	last := "nothing yet"
	err := wait.PollUntilContextTimeout(ctx, crdPoll, crdTimeout, true, func(ctx context.Context) (bool, error) {
		now, err := client.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, crd.Name, metav1.GetOptions{})
		if err != nil {
			return false, fmt.Errorf("get: %w", err)
		}
		established, message := establishedCondition(now)
		last = message
		if !established {
			return false, nil
		}
		return discovered(client.Discovery(), crd)
	})
	if err != nil {
		return fmt.Errorf("wait for CRD %s to be served (its status says: %s): %w", crd.Name, last, err)
	}
	return nil
}

func establishedCondition(crd *apiextensionsv1.CustomResourceDefinition) (established bool, message string) {
	message = "nothing yet"
	for _, c := range crd.Status.Conditions {
		if c.Status == apiextensionsv1.ConditionFalse {
			message = c.Message
		}
		if c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue {
			established, message = true, "established"
		}
	}
	return established, message
}

func discovered(client discovery.DiscoveryInterface, crd *apiextensionsv1.CustomResourceDefinition) (bool, error) {
	for _, version := range crd.Spec.Versions {
		if !version.Served {
			continue
		}
		found, err := listed(client, crd.Spec.Group+"/"+version.Name, crd.Spec.Names.Plural)
		if err != nil || !found {
			return false, err
		}
	}
	return true, nil
}

func listed(client discovery.DiscoveryInterface, groupVersion, plural string) (bool, error) {
	resources, err := client.ServerResourcesForGroupVersion(groupVersion)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("discover %s: %w", groupVersion, err)
	}
	for _, r := range resources.APIResources {
		if r.Name == plural {
			return true, nil
		}
	}
	return false, nil
}
