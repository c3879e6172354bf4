// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// Validate returns every fault of a configuration whose defaults are filled in.
// It reads no file and opens no port.
func Validate(c *configv1alpha1.ServerConfiguration) field.ErrorList {
	return slices.Concat(
		listener(field.NewPath("http"), c, &c.HTTP),
		listener(field.NewPath("grpc"), c, &c.GRPC),
		address(field.NewPath("health", "bindAddress"), c.Health.BindAddress),
		listener(field.NewPath("metrics"), c, &c.Metrics.Listener),
		oneOf(field.NewPath("metrics", "anonymous"), c.Metrics.Anonymous, configv1alpha1.AnonymousAllow, configv1alpha1.AnonymousDeny),
		generatedCertificates(field.NewPath("certificates"), c.Certificates),
		admission(field.NewPath("admission"), c, c.Admission),
		distinct(c),
		namespaces(c),
		sessions(c),
		callers(field.NewPath("callers"), c),
		limits(field.NewPath("limits"), &c.Limits),
		timeouts(field.NewPath("timeouts"), &c.Timeouts),
		leaderElection(field.NewPath("leaderElection"), &c.LeaderElection),
		duration(field.NewPath("maxSnapshotAge"), c.MaxSnapshotAge),
		authZEN(field.NewPath("authZEN"), &c.AuthZEN),
		cerbos(field.NewPath("cerbos"), &c.Cerbos),
		stytch(field.NewPath("stytch"), c),
		yorAuth(field.NewPath("yorAuth"), c),
		gateways(field.NewPath("gateways"), c),
		kubernetesWebhook(field.NewPath("kubernetesWebhook"), &c.KubernetesWebhook),
		logging(field.NewPath("log"), &c.Log),
		frontEnds(field.NewPath("frontEnds"), c.FrontEnds),
		decisionLog(field.NewPath("decisionLog"), c.DecisionLog),
	)
}

func address(path *field.Path, value string) field.ErrorList {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return field.ErrorList{field.Invalid(path, value, "must be host:port, such as 127.0.0.1:8080 or :8080")}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return field.ErrorList{field.Invalid(path, value, "the port must be a number from 0 to 65535")}
	}
	return nil
}

// distinct finds listeners that want the same address, which would otherwise
// show as a port in use.
func distinct(c *configv1alpha1.ServerConfiguration) field.ErrorList {
	var faults field.ErrorList
	owners := map[string]string{c.HTTP.BindAddress: "http"}
	type named struct{ name, address string }
	others := []named{{"grpc", c.GRPC.BindAddress}, {"health", c.Health.BindAddress}, {"metrics", c.Metrics.BindAddress}}
	if c.Admission != nil {
		others = append(others, named{"admission", c.Admission.BindAddress})
	}
	for _, l := range others {
		owner, taken := owners[l.address]
		if taken && !strings.HasSuffix(l.address, ":0") {
			faults = append(faults, field.Invalid(field.NewPath(l.name, "bindAddress"), l.address,
				"is the address of "+owner+" too; give each its own"))
		}
		owners[l.address] = l.name
	}
	return faults
}

func namespaces(c *configv1alpha1.ServerConfiguration) field.ErrorList {
	var faults field.ErrorList
	path := field.NewPath("namespaces")
	for i, name := range c.Namespaces {
		faults = append(faults, namespace(path.Index(i), name)...)
		if slices.Contains(c.Namespaces[:i], name) {
			faults = append(faults, field.Duplicate(path.Index(i), name))
		}
	}
	if c.DefaultNamespace == "" {
		return faults
	}
	path = field.NewPath("defaultNamespace")
	faults = append(faults, namespace(path, c.DefaultNamespace)...)
	if len(c.Namespaces) > 0 && !slices.Contains(c.Namespaces, c.DefaultNamespace) {
		faults = append(faults, field.Invalid(path, c.DefaultNamespace, "is not one of namespaces; add it there"))
	}
	return faults
}

func namespace(path *field.Path, name string) field.ErrorList {
	return named(path, name, validation.IsDNS1123Label(name))
}

func named(path *field.Path, name string, problems []string) field.ErrorList {
	var faults field.ErrorList
	for _, problem := range problems {
		faults = append(faults, field.Invalid(path, name, problem))
	}
	return faults
}

func limits(path *field.Path, l *configv1alpha1.Limits) field.ErrorList {
	return slices.Concat(
		within(path.Child("requestBytes"), l.RequestBytes, 1<<10, MaxRequestBytes),
		within(path.Child("headerBytes"), int64(l.HeaderBytes), 4<<10, 1<<20),
		within(path.Child("evaluations"), int64(l.Evaluations), 1, 10_000),
		within(path.Child("concurrentStreams"), int64(l.ConcurrentStreams), 1, 100_000),
	)
}

func within(path *field.Path, value, least, most int64) field.ErrorList {
	if least <= value && value <= most {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, fmt.Sprintf("must be from %d to %d", least, most))}
}

func timeouts(path *field.Path, t *configv1alpha1.Timeouts) field.ErrorList {
	return slices.Concat(
		duration(path.Child("readHeader"), t.ReadHeader),
		duration(path.Child("read"), t.Read),
		duration(path.Child("write"), t.Write),
		duration(path.Child("idle"), t.Idle),
		duration(path.Child("connectionAge"), t.ConnectionAge),
		duration(path.Child("shutdownDelay"), t.ShutdownDelay),
		duration(path.Child("drain"), t.Drain),
	)
}

func duration(path *field.Path, d metav1.Duration) field.ErrorList {
	if d.Duration >= 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, d.Duration.String(), "must not be negative")}
}

func leaderElection(path *field.Path, l *configv1alpha1.LeaderElection) field.ErrorList {
	faults := named(path.Child("name"), l.Name, validation.IsDNS1123Subdomain(l.Name))
	if l.Namespace == "" {
		return faults
	}
	return append(faults, namespace(path.Child("namespace"), l.Namespace)...)
}

func logging(path *field.Path, l *configv1alpha1.Log) field.ErrorList {
	return slices.Concat(
		oneOf(path.Child("level"), l.Level, configv1alpha1.LogError, configv1alpha1.LogInfo, configv1alpha1.LogDebug),
		oneOf(path.Child("format"), l.Format, configv1alpha1.LogText, configv1alpha1.LogJSON),
	)
}

func oneOf[T ~string](path *field.Path, value T, supported ...T) field.ErrorList {
	if slices.Contains(supported, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, value, supported)}
}
