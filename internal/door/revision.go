// SPDX-License-Identifier: Apache-2.0

package door

import (
	"context"
	"net/http"
	"sync/atomic"

	"google.golang.org/grpc/metadata"
)

// RevisionHeader is the header that names the policy by which an answer came
// about, in the form in which net/http keeps it. Over gRPC it is metadata of the
// answer.
const RevisionHeader = "Rolecall-Revision"

// revisionMetadata is its name over gRPC.
const revisionMetadata = "rolecall-revision"

// RequestOrigin returns where the request comes from that w answers. The answer
// will bear the revision of the Policy that is taken for the origin.
func RequestOrigin(w http.ResponseWriter, namespace string) Origin {
	return Origin{Namespace: namespace, RequestID: RequestID(w), answer: requestAnswer(w.Header())}
}

// CallOrigin returns where a gRPC call comes from, likewise.
func CallOrigin(ctx context.Context, namespace string) Origin {
	return Origin{Namespace: namespace, RequestID: CallID(ctx), answer: callAnswer(callHeader(ctx))}
}

// bearer is an answer that can bear a revision.
type bearer interface{ bear(revision []string) }

type requestAnswer http.Header

func (h requestAnswer) bear(revision []string) { h[RevisionHeader] = revision }

type callAnswer metadata.MD

func (m callAnswer) bear(revision []string) {
	if m != nil { // a call that no server has taken in
		m[revisionMetadata] = revision
	}
}

// lastRevision is the value of the header that was asked for last. Policies change
// seldom and requests come all the time: one value serves them until the next
// change, in whichever door. Nobody changes it.
var lastRevision atomic.Pointer[[1]string]

// headerOf returns a revision as the value of a header. It takes no lock, and
// allocates only when the revision is another one.
func headerOf(revision string) []string {
	last := lastRevision.Load()
	if last == nil || last[0] != revision {
		last = &[1]string{revision}
		lastRevision.Store(last)
	}
	return last[:]
}
