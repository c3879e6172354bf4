// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// grpcCaller asks the Cerbos door. It keeps its connection.
type grpcCaller struct {
	conn  *grpc.ClientConn
	token string
}

func (a *Agent) overGRPC(w way) (caller, error) {
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	address := a.o.GRPC
	if w.replica != "" {
		address = w.replica
	}
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(credentials.NewTLS(verified(a.server.Hostname(), w.roots))))
	if err != nil {
		return nil, err
	}
	return &grpcCaller{conn, token}, nil
}

func (c *grpcCaller) end() { _ = c.conn.Close() }

func (c *grpcCaller) ask(ctx context.Context, q *Question, again bool) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "rolecall-namespace", q.Namespace, "authorization", "Bearer "+c.token)
	var header metadata.MD
	var server peer.Peer
	// Without waiting, the library fails at once for as long as it pauses before it
	// connects again.
	out, err := cerbospb.NewCerbosServiceClient(c.conn).CheckResources(ctx, &cerbospb.CheckResourcesRequest{
		Principal: &cerbospb.Principal{Id: q.Subject, Roles: []string{"nobody"}}, // a role has to be asserted
		Resources: []*cerbospb.CheckResourcesRequest_Entry{{
			Actions:  []string{q.Action},
			Resource: &cerbospb.Resource{Kind: q.ResourceType, Id: q.ResourceID, Scope: q.Scope},
		}},
	}, grpc.Header(&header), grpc.Peer(&server), grpc.WaitForReady(again))
	switch status.Code(err) {
	case codes.OK:
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return Answer{}, err
	default:
		return Answer{Body: err.Error()}, nil
	}
	answer := Answer{Status: http.StatusOK, Body: out.String()}
	if revisions := header.Get("rolecall-revision"); len(revisions) == 1 {
		answer.Revision = revisions[0]
	}
	if secured, ok := server.AuthInfo.(credentials.TLSInfo); ok {
		answer.shown(secured.State.PeerCertificates[0])
	}
	if results := out.GetResults(); len(results) == 1 {
		answer.Allowed = results[0].GetActions()[q.Action] == cerbospb.Effect_EFFECT_ALLOW
	}
	return answer, nil
}
