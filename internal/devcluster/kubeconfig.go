// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a file that only this user can read: whoever has the
// token may do everything.
func writeKubeconfig(path string, c *rest.Config) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[clientName] = &clientcmdapi.Cluster{Server: c.Host, CertificateAuthorityData: c.CAData}
	config.AuthInfos[clientName] = &clientcmdapi.AuthInfo{Token: c.BearerToken}
	config.Contexts[clientName] = &clientcmdapi.Context{Cluster: clientName, AuthInfo: clientName, Namespace: DefaultNamespace}
	config.CurrentContext = clientName
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	return nil
}
