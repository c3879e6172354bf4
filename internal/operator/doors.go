// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"slices"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/version"
	"github.com/rolecall/rolecall/internal/wire/authzen"
	"github.com/rolecall/rolecall/internal/wire/cerbos"
	"github.com/rolecall/rolecall/internal/wire/extauthz"
	"github.com/rolecall/rolecall/internal/wire/forwardauth"
	"github.com/rolecall/rolecall/internal/wire/permissions"
	"github.com/rolecall/rolecall/internal/wire/sar"
	"github.com/rolecall/rolecall/internal/wire/stytch"
	"github.com/rolecall/rolecall/internal/wire/yorauth"
)

// doors returns the names of all doors, also of those that the configuration keeps
// shut.
func doors() []string {
	return []string{
		authzen.Name, cerbos.Name, extauthz.Name, forwardauth.Name, permissions.Name, sar.Name, stytch.Name, yorauth.Name,
	}
}

// open returns the endpoints of the doors that are open, over HTTP and over gRPC.
func (r *rooms) open() ([]door.Route, []door.Service) {
	cerbos := r.cerbos()
	gatewayRoutes, gatewayServices := r.gateways()
	return slices.Concat(
		authzen.Routes(authzen.Options{
			Asker:            r.asker(authzen.Name),
			Sessions:         r.sessions,
			DefaultNamespace: r.namespace(),
			MaxEvaluations:   r.Config.Limits.Evaluations,
			URL:              r.Config.AuthZEN.URL,
			Search: authzen.SearchLimits{
				Results: r.Config.AuthZEN.Search.Results, Candidates: r.Config.AuthZEN.Search.Candidates,
				Concurrent: r.Config.AuthZEN.Search.Concurrent, Timeout: r.Config.AuthZEN.Search.Timeout.Duration,
			},
		}),
		r.permissions(),
		cerbos.Routes(),
		r.kubernetesWebhook(),
		r.stytch(),
		r.yorAuth(),
		gatewayRoutes,
	), append(cerbos.Services(), gatewayServices...)
}

func (r *rooms) cerbos() *cerbos.Door {
	return cerbos.New(cerbos.Options{
		Asker:                  r.asker(cerbos.Name),
		Sessions:               r.sessions,
		DefaultNamespace:       r.namespace(),
		MaxActionsPerResource:  r.Config.Cerbos.MaxActionsPerResource,
		MaxResourcesPerRequest: r.Config.Cerbos.MaxResourcesPerRequest,
		Version:                version.String(),
	})
}

// asker returns a door's way to the policy.
func (r *rooms) asker(name string) door.Asker {
	return door.Asker{
		Gate: r.gate, Provider: r.store, Now: r.Now,
		Meter: r.metrics.Door(name), Recorder: r.decisions.recorder(name),
	}
}

// namespace is meant by requests that name none; empty if that is an error.
func (r *rooms) namespace() string {
	if r.Config.DefaultNamespace == "" && r.Kube == nil {
		return defaultNamespace
	}
	return r.Config.DefaultNamespace
}

func (r *rooms) permissions() []door.Route {
	o := permissions.Options{
		Asker:      r.asker(permissions.Name),
		Subjects:   authzen.Subjects{Sessions: r.sessions},
		Sessions:   r.sessions,
		Namespaces: door.Namespaces{Default: r.namespace()},
	}
	if f := r.Config.FrontEnds; f != nil {
		o.FrontEnds, o.Origins = true, f.AllowedOrigins
	}
	return permissions.Routes(o)
}

// kubernetesWebhook returns the endpoints for API servers, who may be the one that
// would have to be asked about callers.
func (r *rooms) kubernetesWebhook() []door.Route {
	c, asker := &r.Config.KubernetesWebhook, r.asker(sar.Name)
	asker.Gate = r.gate.CertificatesOnly()
	return sar.Routes(sar.Options{
		Asker:      asker,
		Namespaces: door.Namespaces{Default: r.namespace()},
		Mapping: sar.Mapping{
			ClusterScope: c.ClusterScope, NamespaceScopePrefix: *c.NamespaceScopePrefix, ServiceAccountType: c.ServiceAccountType,
		},
	})
}

func (r *rooms) stytch() []door.Route {
	projects := make(map[string]stytch.Project)
	for _, p := range r.Config.Stytch.Projects {
		projects[p.ID] = stytch.Project{Namespace: p.Namespace, ScopePrefix: *p.ScopePrefix}
	}
	if len(projects) == 0 {
		return nil
	}
	return stytch.Routes(stytch.Options{Asker: r.asker(stytch.Name), Sessions: r.sessions, Projects: projects})
}

func (r *rooms) yorAuth() []door.Route {
	applications := make(map[string]string)
	for _, a := range r.Config.YorAuth.Applications {
		applications[a.ID] = a.Namespace
	}
	if len(applications) == 0 {
		return nil
	}
	return yorauth.Routes(yorauth.Options{Asker: r.asker(yorauth.Name), Applications: applications})
}
