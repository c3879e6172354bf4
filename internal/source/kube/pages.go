// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

// Paged makes a reflector or an informer list in pages, and applies the
// transform to each page before the next one is asked for, so that what it takes
// off is never in memory all at once. The transform changes objects in place; an
// informer that has the same one applies it again, which must change nothing.
//
// The library would have the list as a stream of watch events, which costs the
// client more than twice the CPU, or as one answer, which needs several times
// the memory of the objects while it is decoded. Pages cost neither.
func Paged(lw cache.ListerWatcher, transform cache.TransformFunc) cache.ListerWatcher {
	whole := cache.ToListerWatcherWithContext(lw)
	return paged{&cache.ListWatch{
		WatchFuncWithContext: whole.WatchWithContext,
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			page, err := whole.ListWithContext(ctx, inPages(o))
			if err != nil {
				return nil, err
			}
			return page, meta.EachListItem(page, func(o runtime.Object) error {
				return inPlace(o, transform)
			})
		},
	}}
}

// pageSize is how many objects one answer to a list holds: so many that requests
// do not count (the server looks at all that is left for each of them), so few
// that their text does not.
const pageSize = 2000

// anyVersion asks for whatever the server happens to have in its cache, which may
// be older than what was seen before: of an earlier process, or of another server.
const anyVersion = "0"

// inPages asks for the newest version where a part is asked for, because the
// server gives another one only as a whole, and where any version would do: what
// was revoked must not come back with the start of a replica. The library asks for
// that one also when a list takes so long that its later pages are forgotten. A
// request for a later page says its version itself, and one without a limit wants
// everything.
func inPages(o metav1.ListOptions) metav1.ListOptions {
	if o.Limit > 0 {
		o.Limit = pageSize
	}
	if o.Continue == "" && (o.Limit > 0 || o.ResourceVersion == anyVersion) {
		o.ResourceVersion, o.ResourceVersionMatch = "", ""
	}
	return o
}

func inPlace(o runtime.Object, transform cache.TransformFunc) error {
	changed, err := transform(o)
	if err != nil {
		return fmt.Errorf("transform a listed %T: %w", o, err)
	}
	if changed != any(o) {
		return fmt.Errorf("transform a listed %T: it became another object", o)
	}
	return nil
}

// paged tells the reflector not to ask for a stream.
type paged struct{ *cache.ListWatch }

// IsWatchListSemanticsUnSupported is how the library asks.
func (paged) IsWatchListSemanticsUnSupported() bool { return true }
