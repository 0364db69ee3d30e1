package scheme

import (
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	schedconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	scheduler "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"

	"github.com/ashlar-dev/ashlar/plugins/apis/config"
	v1 "github.com/ashlar-dev/ashlar/plugins/apis/config/v1"
)

func init() {
	// Arguments are converted by a scheme of their own, which is built from these on first
	// use (GetPluginArgConversionScheme).
	schedconfig.SchemeBuilder.Register(config.AddToScheme)
	schedulerv1.SchemeBuilder.Register(v1.AddToScheme)
	// The one that reads files is built already.
	utilruntime.Must(config.AddToScheme(scheduler.Scheme))
	utilruntime.Must(v1.AddToScheme(scheduler.Scheme))
}
