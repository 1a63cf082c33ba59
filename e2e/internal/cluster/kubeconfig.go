package cluster

import (
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a kubeconfig with a context for each cluster, named
// after it. The first is the current one.
func writeKubeconfig(path string, clusters ...*Cluster) error {
	config := clientcmdapi.NewConfig()
	for _, c := range clusters {
		config.Clusters[c.name] = &clientcmdapi.Cluster{Server: c.url(), CertificateAuthority: c.authority.file("authority")}
		config.AuthInfos[c.name] = &clientcmdapi.AuthInfo{ClientCertificate: c.administrator.certificate, ClientKey: c.administrator.key}
		config.Contexts[c.name] = &clientcmdapi.Context{Cluster: c.name, AuthInfo: c.name}
	}
	config.CurrentContext = clusters[0].name
	return clientcmd.WriteToFile(*config, path)
}

// kubeconfig is the file of this cluster alone, which its controllers use.
func (c *Cluster) kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }
