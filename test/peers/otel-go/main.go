// Two receivers of the OpenTelemetry collector, without the collector around them: OTLP at the first address, Splunk HEC at the second.
// What they take is appended to a file, a request a line.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/splunkhecreceiver"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Starts a receiver with its settings as a collector reads them.
func start(factory receiver.Factory, settings map[string]any, into consumer.Logs) receiver.Logs {
	config := factory.CreateDefaultConfig()
	must(confmap.NewFromStringMap(settings).Unmarshal(config))
	logs, err := factory.CreateLogs(context.Background(), receivertest.NewNopSettings(factory.Type()), config, into)
	must(err)
	must(logs.Start(context.Background(), componenttest.NewNopHost()))
	return logs
}

func main() {
	file, err := os.Create(os.Args[3])
	must(err)
	json := &plog.JSONMarshaler{}
	into, err := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
		text, err := json.MarshalLogs(logs)
		if err == nil {
			_, err = file.Write(append(text, '\n'))
		}
		return err
	})
	must(err)
	http := map[string]any{"endpoint": os.Args[1]}
	otlp := start(otlpreceiver.NewFactory(), map[string]any{"protocols": map[string]any{"http": http}}, into)
	hec := start(splunkhecreceiver.NewFactory(), map[string]any{"endpoint": os.Args[2]}, into)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	must(otlp.Shutdown(context.Background()))
	must(hec.Shutdown(context.Background()))
}
