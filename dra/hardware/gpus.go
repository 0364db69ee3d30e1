package hardware

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// findGPUs makes the GPUs known that are not yet. Those that do not answer are passed
// over.
func (n *NVML) findGPUs(ctx context.Context) error {
	count := 0
	err := n.dog.run(ctx, "", n.options.ReadTimeout, func(o *operation) error {
		o.begin("DeviceGetCount")
		found, ret := n.lib.DeviceGetCount()
		count = found
		return o.failure(ret)
	})
	if err != nil {
		return fmt.Errorf("looking for GPUs: %w", err)
	}
	var wait sync.WaitGroup
	for index := range count {
		if n.knowsIndex(index) {
			continue
		}
		wait.Go(func() {
			_ = n.dog.run(ctx, fmt.Sprintf("index %d", index), n.options.ReadTimeout, func(o *operation) error {
				return n.identify(o, index)
			}) // a GPU that does not answer is looked for again
		})
	}
	wait.Wait()
	return nil
}

func (n *NVML) knowsIndex(index int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, gpu := range n.gpus {
		if gpu.index == index {
			return true
		}
	}
	return false
}

// identify makes the GPU at an index known.
func (n *NVML) identify(o *operation, index int) error {
	o.begin(fmt.Sprintf("DeviceGetHandleByIndex(%d)", index))
	handle, ret := n.lib.DeviceGetHandleByIndex(index)
	if err := o.failure(ret); err != nil {
		return err
	}
	o.begin("GetUUID")
	uuid, ret := handle.GetUUID()
	if err := o.failure(ret); err != nil {
		return err
	}
	if err := checkGPU(uuid); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gpus[uuid] = &knownGPU{index: index, handle: handle}
	return nil
}

// on runs work with a GPU's handle, under the watchdog.
func (n *NVML) on(ctx context.Context, gpu string, limit time.Duration, work func(*operation, nvml.Device) error) error {
	if err := checkGPU(gpu); err != nil {
		return err
	}
	err := n.dog.run(ctx, gpu, limit, func(o *operation) error {
		handle, err := n.handle(o, gpu)
		if err != nil {
			return err
		}
		return work(o, handle)
	})
	switch {
	case errors.Is(err, ErrGPULost):
		n.forgetHandle(gpu)
		n.notePresence(gpu, false)
	case err == nil:
		n.notePresence(gpu, true)
	}
	return err
}

// handle finds a GPU. NVML asks all GPUs where one is looked for by its UUID, so that
// handles are kept.
func (n *NVML) handle(o *operation, gpu string) (nvml.Device, error) {
	n.mu.Lock()
	known := n.gpus[gpu]
	if known != nil && known.handle != nil {
		handle := known.handle
		n.mu.Unlock()
		return handle, nil
	}
	n.mu.Unlock()
	o.begin("DeviceGetHandleByUUID")
	handle, ret := n.lib.DeviceGetHandleByUUID(gpu)
	if ret == nvml.ERROR_NOT_FOUND && known != nil {
		ret = nvml.ERROR_GPU_IS_LOST
	}
	if err := o.failure(ret); err != nil {
		return nil, err
	}
	index, ret := handle.GetIndex()
	if err := o.failure(ret); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gpus[gpu] == nil {
		n.gpus[gpu] = &knownGPU{}
	}
	n.gpus[gpu].handle, n.gpus[gpu].index = handle, index
	return handle, nil
}

// forgetHandle has the GPU looked for anew at the next call.
func (n *NVML) forgetHandle(gpu string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.gpus[gpu]; known != nil {
		known.handle = nil
	}
}
