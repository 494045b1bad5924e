package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
)

// startControllers waits for the API and starts the one controller without which no Service has endpoints. The others
// of a cluster (ServiceAccounts, namespaces, workloads) are not needed.
func startControllers(kubeconfig, certificate string) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		client, err := connect(kubeconfig, certificate)
		if err == nil {
			runEndpointSlices(client)
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the API server is not ready: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// connect succeeds once the API server is ready.
func connect(kubeconfig, certificate string) (kubernetes.Interface, error) {
	// Written by the API server when it starts.
	if _, err := os.Stat(certificate); err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return client, client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(context.Background()).Error()
}

func runEndpointSlices(client kubernetes.Interface) {
	const perSlice, workers = 100, 2
	ctx := context.Background()
	factory := informers.NewSharedInformerFactory(client, 0)
	controller := endpointslice.NewController(
		ctx,
		factory.Core().V1().Pods(),
		factory.Core().V1().Services(),
		factory.Core().V1().Nodes(),
		factory.Discovery().V1().EndpointSlices(),
		perSlice,
		client,
		0,
	)
	factory.Start(ctx.Done())
	go controller.Run(ctx, workers)
}
