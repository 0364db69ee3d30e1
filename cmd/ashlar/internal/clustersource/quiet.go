package clustersource

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// SilenceScheduler keeps the scheduler's libraries from logging: what matters of it is in
// the answer. The context that it returns carries the logger for those that take theirs
// from one. kube-scheduler's own plugins log to klog's global logger, some of them from
// the background, and so that one is set too, for the whole process.
func SilenceScheduler(ctx context.Context) context.Context {
	discard := slog.New(slog.DiscardHandler)
	klog.SetSlogLogger(discard)
	return klog.NewContext(ctx, logr.FromSlogHandler(discard.Handler()))
}
