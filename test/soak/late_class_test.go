package soak

import (
	"context"
	"math/rand"

	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var lateClasses = []lateKind{
	{"DeviceClass made after its pods", classAfterPods},
	{"DeviceClass changed", classChanged},
}

// classAfterPods has the pods ask for a DeviceClass of their own that is made later.
func classAfterPods(_ *rand.Rand, a *arrival) *lateChange {
	class, base := a.useClass()
	if class == "" {
		return nil
	}
	return &lateChange{
		make: func(ctx context.Context, w *world) error { return w.copyClass(ctx, base, class) },
		undo: func(ctx context.Context, w *world) error { return w.removeClass(ctx, class) },
	}
}

// classChanged has the pods ask for a DeviceClass of their own that has no devices at first.
func classChanged(_ *rand.Rand, a *arrival) *lateChange {
	class, base := a.useClass()
	if class == "" {
		return nil
	}
	none := resourceapi.DeviceClassSpec{Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: "false"}}}}
	return &lateChange{
		before: func(ctx context.Context, w *world) error { return w.writeClass(ctx, class, none) },
		make:   func(ctx context.Context, w *world) error { return w.copyClass(ctx, base, class) },
		undo:   func(ctx context.Context, w *world) error { return w.removeClass(ctx, class) },
	}
}

// useClass has the claims ask for a class of the arrival's own where they ask for one that is there, base; none without claims.
func (a *arrival) useClass() (class, base string) {
	var specs []*resourceapi.DeviceClaim
	for _, claim := range a.claims {
		specs = append(specs, &claim.Spec.Devices)
	}
	if a.template != nil {
		specs = append(specs, &a.template.Spec.Spec.Devices)
	}
	if len(specs) == 0 {
		return "", ""
	}
	class = a.name + ".example.com"
	rename := func(name *string) {
		if base == "" {
			base = *name
		}
		if *name == base {
			*name = class
		}
	}
	for _, spec := range specs {
		for i := range spec.Requests {
			request := &spec.Requests[i]
			if request.Exactly != nil {
				rename(&request.Exactly.DeviceClassName)
			}
			for j := range request.FirstAvailable {
				rename(&request.FirstAvailable[j].DeviceClassName)
			}
		}
	}
	return class, base
}

// copyClass makes a class, or changes it, to have the devices of another.
func (w *world) copyClass(ctx context.Context, base, class string) error {
	var spec resourceapi.DeviceClassSpec
	err := w.persist(ctx, func(ctx context.Context) error {
		other, err := w.client.ResourceV1().DeviceClasses().Get(ctx, base, metav1.GetOptions{})
		if err == nil {
			spec = other.Spec
		}
		return err
	})
	if err != nil {
		return err
	}
	spec.ExtendedResourceName = nil // that is of one class alone
	return w.writeClass(ctx, class, spec)
}

func (w *world) writeClass(ctx context.Context, class string, spec resourceapi.DeviceClassSpec) error {
	api := w.client.ResourceV1().DeviceClasses()
	return w.persist(ctx, func(ctx context.Context) error {
		now, err := api.Get(ctx, class, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = api.Create(ctx, &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: spec}, metav1.CreateOptions{})
			return err
		}
		if err != nil {
			return err
		}
		now.Spec = spec
		_, err = api.Update(ctx, now, metav1.UpdateOptions{})
		return err
	})
}

func (w *world) removeClass(ctx context.Context, class string) error {
	return w.persist(ctx, func(ctx context.Context) error {
		return w.client.ResourceV1().DeviceClasses().Delete(ctx, class, metav1.DeleteOptions{})
	})
}
