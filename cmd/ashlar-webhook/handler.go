package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	admissionapi "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	podadmission "github.com/ashlar-dev/ashlar/plugins/admission"
)

// podHandler answers the API server.
type podHandler struct {
	view      *clusterView
	templates *templateKeeper
	options   podadmission.Options
}

// Handle reviews a pod. Whatever goes wrong here, the pod is created as it was: of the pods that the
// webhook does not like, only those with contradictions are refused.
func (h *podHandler) Handle(ctx context.Context, request admission.Request) (response admission.Response) {
	defer func() {
		if cause := recover(); cause != nil {
			klog.ErrorS(fmt.Errorf("%v", cause), "A review panicked", "namespace", request.Namespace, "stack", string(debug.Stack()))
			response = failOpen(errors.New("an error of ashlar-webhook, see its log"))
		}
	}()
	if request.Operation != admissionapi.Create || request.Resource.Resource != "pods" || request.SubResource != "" {
		return admission.Allowed("")
	}
	var pod corev1.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
		return failOpen(fmt.Errorf("reading the pod: %w", err))
	}
	return h.reviewPod(ctx, &request, &pod)
}

func (h *podHandler) reviewPod(ctx context.Context, request *admission.Request, pod *corev1.Pod) admission.Response {
	outcome, err := podadmission.ReviewPod(pod, request.Namespace, h.view.lookAround(ctx, request.Namespace), h.options)
	var refusal *podadmission.Refusal
	switch {
	case errors.As(err, &refusal):
		reviewedPods.WithLabelValues(podRefused).Inc()
		return admission.Denied(refusal.Reason)
	case err != nil:
		return failOpen(err)
	case outcome.Pod == pod:
		reviewedPods.WithLabelValues(podUnchanged).Inc()
		return admission.Allowed("").WithWarnings(outcome.Warnings...)
	}
	changed, err := json.Marshal(outcome.Pod)
	if err != nil {
		return failOpen(fmt.Errorf("writing the pod: %w", err))
	}
	if !ptr.Deref(request.DryRun, false) {
		for _, template := range outcome.Templates {
			if err := h.templates.ensureTemplate(ctx, template); err != nil {
				return failOpen(err)
			}
		}
	}
	reviewedPods.WithLabelValues(podClaimed).Inc()
	klog.V(2).InfoS("A pod was given a claim", "namespace", request.Namespace, "name", pod.Name, "generateName", pod.GenerateName,
		"changed", outcome.Pod.Annotations[podadmission.RecordAnnotation], "dryRun", ptr.Deref(request.DryRun, false))
	return patchBetween(pod, changed).WithWarnings(outcome.Warnings...)
}

// patchBetween is the patch from a pod as it was read to what it becomes: fields that are not known
// here stay.
func patchBetween(pod *corev1.Pod, changed []byte) admission.Response {
	before, err := json.Marshal(pod)
	if err != nil {
		return failOpen(fmt.Errorf("writing the pod: %w", err))
	}
	response := admission.PatchResponseFromRaw(before, changed)
	if !response.Allowed && response.Result != nil && response.Result.Code == http.StatusInternalServerError {
		return failOpen(errors.New(response.Result.Message))
	}
	return response
}

// failOpen lets the pod be created as it was, and says why.
func failOpen(err error) admission.Response {
	reviewedPods.WithLabelValues(podFailed).Inc()
	klog.ErrorS(err, "A pod is created as it was")
	return admission.Allowed("").WithWarnings("ashlar-webhook left the pod as it was: " + err.Error())
}
