package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// How a cluster is laid out below its folder of state.
const (
	certificates = "certificates"
	kubeconfig   = "kubeconfig"
	ready        = "ready"
)

// The ports of a cluster. It is alone in its network namespace, so they are fixed.
const (
	apiPort  = 6443
	etcdPort = 2379
)

// cluster runs everything until it is ended. The file `ready` appears when the API answers.
func cluster(arguments []string) error {
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	state := flags.String("state", "", "folder of state; kubeconfig is written there")
	services := flags.String("services", "10.96.0.0/16", "addresses of Services")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	folder, err := filepath.Abs(*state)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	etcd, err := startEtcd(filepath.Join(folder, "etcd"))
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	key := filepath.Join(folder, "service-accounts.key")
	if err := writeKey(key); err != nil {
		return err
	}
	tokens := filepath.Join(folder, "tokens.csv")
	if err := writeAccess(folder, tokens); err != nil {
		return err
	}
	go func() {
		fail(startControllers(filepath.Join(folder, kubeconfig), filepath.Join(folder, certificates, "apiserver.crt")))
		fail(os.WriteFile(filepath.Join(folder, ready), nil, 0o600))
	}()
	command := apiserver.NewAPIServerCommand()
	command.SetArgs([]string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", apiPort),
		"--cert-dir=" + filepath.Join(folder, certificates),
		"--token-auth-file=" + tokens,
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=" + *services,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
		// Nobody here makes the ServiceAccount `default` of a namespace.
		"--disable-admission-plugins=ServiceAccount",
		"--endpoint-reconciler-type=none",
		"--enable-priority-and-fairness=false",
		"--shutdown-delay-duration=0s",
	})
	os.Exit(cli.Run(command))
	return nil
}

// startEtcd returns the URL for clients.
func startEtcd(folder string) (string, error) {
	local := func(port int) []url.URL {
		return []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}}
	}
	config := embed.NewConfig()
	config.Dir = folder
	config.ListenClientUrls, config.AdvertiseClientUrls = local(etcdPort), local(etcdPort)
	config.ListenPeerUrls, config.AdvertisePeerUrls = local(etcdPort+1), local(etcdPort+1)
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// What it keeps is thrown away with the cluster.
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.TickMs, config.ElectionMs = 10, 100
	server, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-server.Server.ReadyNotify():
		return config.ListenClientUrls[0].String(), nil
	case <-time.After(30 * time.Second):
		return "", fmt.Errorf("not ready within 30 s")
	}
}

// writeKey makes the key that tokens of ServiceAccounts are signed with.
func writeKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

// writeAccess makes an administrator: the API server's file of tokens and a kubeconfig.
func writeAccess(folder, tokens string) error {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	token := hex.EncodeToString(random)
	if err := os.WriteFile(tokens, []byte(token+",admin,admin,\"system:masters\"\n"), 0o600); err != nil {
		return err
	}
	config := api.NewConfig()
	config.Clusters["e2e"] = &api.Cluster{
		Server:               fmt.Sprintf("https://127.0.0.1:%d", apiPort),
		CertificateAuthority: filepath.Join(folder, certificates, "apiserver.crt"),
	}
	config.AuthInfos["admin"] = &api.AuthInfo{Token: token}
	config.Contexts["e2e"] = &api.Context{Cluster: "e2e", AuthInfo: "admin"}
	config.CurrentContext = "e2e"
	return clientcmd.WriteToFile(*config, filepath.Join(folder, kubeconfig))
}
