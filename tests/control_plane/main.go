// Command control-plane is etcd, kube-apiserver, kube-controller-manager and kubectl in one binary.
//
// The name it is called by chooses the program, as in busybox: a folder with a link of each name is what
// KUBEBUILDER_ASSETS may point to. Flags, environment and exit status are those of the programs themselves.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// Set by who starts a server with a pipe as its standard input: the pipe closes when that process ends,
// however it ends, so a test run that was killed leaves no server behind.
const lifeline = "CONTROL_PLANE_LIFELINE"

func main() {
	if os.Getenv(lifeline) != "" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
	}
	switch program := filepath.Base(os.Args[0]); program {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		serve(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		serve(controllermanager.NewControllerManagerCommand())
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err) // prints and exits as kubectl does
		}
	default:
		fmt.Fprintf(os.Stderr, "called as %q: call it etcd, kube-apiserver, kube-controller-manager or kubectl\n", program)
		os.Exit(2)
	}
}

func serve(command *cobra.Command) {
	os.Exit(cli.Run(command))
}
