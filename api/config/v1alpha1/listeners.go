// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Listener is an address to listen on, with TLS if it says so.
type Listener struct {
	// bindAddress is the host and port to listen on. An empty host, as in `:8080`,
	// means every interface; port 0 means any free port.
	//
	// +optional
	BindAddress string `json:"bindAddress,omitempty"`

	// tls makes the listener speak TLS, version 1.2 or later.
	//
	// +optional
	TLS *TLS `json:"tls,omitempty"`
}

// PlainListener is an address to listen on, without TLS.
type PlainListener struct {
	// bindAddress is the host and port to listen on. An empty host, as in `:8081`,
	// means every interface; port 0 means any free port.
	//
	// +optional
	BindAddress string `json:"bindAddress,omitempty"`
}

// MetricsListener is the listener of /metrics.
type MetricsListener struct {
	Listener `json:",inline"`

	// anonymous is `Allow` to let everyone read the metrics who reaches the
	// listener, or `Deny` to let in only those with a token of the API server
	// (`Authorization: Bearer TOKEN`) to whom Kubernetes RBAC gives `get` on the
	// nonResourceURL `/metrics`, as the ClusterRole `rolecall-metrics-reader` does.
	// `Deny` needs an API server.
	//
	// Default: `Allow`.
	//
	// +optional
	Anonymous AnonymousCallers `json:"anonymous,omitempty"`
}

// TLS says which certificate a listener shows: that of two files, or the
// generated one. Files are read again when they change, and the generated one is
// renewed in time: neither needs a restart, and connections that are open go on.
type TLS struct {
	// certFile is the path of the certificate chain in PEM, the server's own first.
	//
	// +optional
	CertFile string `json:"certFile,omitempty"`

	// keyFile is the path of the private key in PEM.
	//
	// +optional
	KeyFile string `json:"keyFile,omitempty"`

	// generated takes the certificate that `certificates` describes, in place of
	// files.
	//
	// +optional
	Generated bool `json:"generated,omitempty"`
}
