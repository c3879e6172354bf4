// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"testing"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// routed is a resource with an action and a route to it.
func routed(name, path string) *v1alpha1.Resource {
	r := resource(name, "read")
	r.Spec.Routes = []v1alpha1.ResourceRoute{{Method: "GET", Path: path, Action: "read"}}
	return r
}

// TestRouteConflict: both sides say so, with the other's name, and both are Ready
// as soon as one has changed or gone.
func TestRouteConflict(t *testing.T) {
	h := newHouse(t)
	image, video, page := routed("image", "/media/{id}"), routed("video", "/media/{name}"), routed("page", "/pages/{id}")
	h.create(image, page)
	h.await(image, ready)
	h.create(video)
	h.await(image, verdict{v1alpha1.ReasonRouteConflict, `spec.routes[0] of the rcres "video"`})
	h.await(video, verdict{v1alpha1.ReasonRouteConflict, `"GET /media/{name}" means something else in spec.routes[0] of the rcres "image"`})
	h.await(page, ready)
	h.edit(video, `{"spec": {"routes": [{"method": "GET", "path": "/{kind}/new", "action": "read"}]}}`)
	h.await(video, verdict{v1alpha1.ReasonRouteConflict, `neither is the more specific one`})
	h.await(page, verdict{v1alpha1.ReasonRouteConflict, `spec.routes[0] of the rcres "video"`})
	h.edit(video, `{"spec": {"routes": [{"method": "GET", "path": "/media/new", "action": "read"}]}}`)
	h.await(image, ready)
	h.await(video, ready)
	h.edit(page, `{"spec": {"routes": [{"method": "GET", "path": "/media/new", "action": "read"}]}}`)
	h.await(video, verdict{v1alpha1.ReasonRouteConflict, `"page"`})
	h.remove(page)
	h.await(video, ready)
}
