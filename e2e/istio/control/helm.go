package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

// helm prints what a chart makes of some values, as `helm template` does, after it has judged the chart as `helm lint` does.
func helm(arguments []string) error {
	flags := flag.NewFlagSet("helm", flag.ContinueOnError)
	namespace := flags.String("namespace", "default", "the namespace of the release")
	file := flags.String("values", "", "a file with values")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return fmt.Errorf("usage: control helm [-namespace NAMESPACE] [-values FILE] RELEASE CHART")
	}
	release, directory := flags.Arg(0), flags.Arg(1)
	values := chartutil.Values{}
	if *file != "" {
		var err error
		if values, err = chartutil.ReadValuesFile(*file); err != nil {
			return err
		}
	}
	for _, message := range lint.All(directory, values, *namespace, true).Messages {
		if message.Severity > support.InfoSev {
			return message
		}
	}
	chart, err := loader.Load(directory)
	if err != nil {
		return err
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: *namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, nil)
	if err != nil {
		return err
	}
	rendered, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(rendered))
	for name := range rendered {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if text := strings.TrimSpace(rendered[name]); text != "" && strings.HasSuffix(name, ".yaml") {
			fmt.Fprintf(os.Stdout, "---\n# Source: %s\n%s\n", name, text)
		}
	}
	return nil
}
