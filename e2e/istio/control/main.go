// Istiod and the Kubernetes API that it needs, in one program: the control plane of the scenarios under real Istio.
//
//	control cluster -state DIR   etcd, kube-apiserver, the controller of EndpointSlices
//	control kubectl …            kubectl
//	control istiod …             pilot-discovery
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"istio.io/istio/istioctl/pkg/analyze"
	istioctl "istio.io/istio/istioctl/pkg/cli"
	"istio.io/istio/istioctl/pkg/validate"
	istiod "istio.io/istio/pilot/cmd/pilot-discovery/app"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: control cluster|kubectl|istiod|helm|istioctl …"))
	}
	command, arguments := os.Args[1], os.Args[2:]
	switch command {
	case "cluster":
		fail(cluster(arguments))
	case "kubectl":
		os.Args = append([]string{"kubectl"}, arguments...)
		os.Exit(cli.Run(kubectl.NewDefaultKubectlCommand()))
	case "istiod":
		root := istiod.NewRootCommand()
		root.SetArgs(arguments)
		fail(root.Execute())
	case "helm":
		fail(helm(arguments))
	case "istioctl":
		root := &cobra.Command{Use: "istioctl", SilenceUsage: true}
		context := istioctl.NewCLIContext(istioctl.AddRootFlags(root.PersistentFlags()))
		root.AddCommand(validate.NewValidateCommand(context), analyze.Analyze(context))
		root.SetArgs(arguments)
		fail(root.Execute())
	default:
		fail(fmt.Errorf("unknown command %q", command))
	}
}

// fail ends the program when there is an error.
func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		os.Exit(1)
	}
}
