package ui

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// packedSlice is a ResourceSlice of which only what finds it can be read. A node with eight GPUs and
// all their MIG placements publishes half a megabyte, as objects; packed it is some kilobytes, so that
// thousands of nodes can be kept. It is unpacked when its node is drawn.
type packedSlice struct {
	metav1.ObjectMeta
	pool resourceslices.PoolKey
	// node is "" for a slice that names none.
	node   string
	packed []byte
}

var (
	packers   = sync.Pool{New: func() any { w, _ := flate.NewWriter(nil, flate.BestSpeed); return w }}
	unpackers = sync.Pool{New: func() any { return flate.NewReader(nil) }}
)

// packSlice packs a slice, without what only API servers look at.
func packSlice(slice *resourceapi.ResourceSlice) (*packedSlice, error) {
	bare := *slice
	bare.ManagedFields, bare.Annotations = nil, nil
	text, err := bare.Marshal()
	if err != nil {
		return nil, fmt.Errorf("packing ResourceSlice %s: %w", slice.Name, err)
	}
	var packed bytes.Buffer
	packer := packers.Get().(*flate.Writer)
	defer packers.Put(packer)
	packer.Reset(&packed)
	if _, err := packer.Write(text); err != nil {
		return nil, err
	}
	if err := packer.Close(); err != nil {
		return nil, err
	}
	p := &packedSlice{
		ObjectMeta: metav1.ObjectMeta{Name: slice.Name, ResourceVersion: slice.ResourceVersion},
		pool:       resourceslices.PoolKey{Driver: slice.Spec.Driver, Pool: slice.Spec.Pool.Name},
		packed:     bytes.Clone(packed.Bytes()),
	}
	if slice.Spec.NodeName != nil {
		p.node = *slice.Spec.NodeName
	}
	return p, nil
}

// unpackSlice is the slice again.
func (p *packedSlice) unpackSlice() (*resourceapi.ResourceSlice, error) {
	unpacker := unpackers.Get().(io.ReadCloser)
	defer unpackers.Put(unpacker)
	if err := unpacker.(flate.Resetter).Reset(bytes.NewReader(p.packed), nil); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(unpacker)
	if err != nil {
		return nil, fmt.Errorf("unpacking ResourceSlice %s: %w", p.Name, err)
	}
	slice := &resourceapi.ResourceSlice{}
	if err := slice.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("unpacking ResourceSlice %s: %w", p.Name, err)
	}
	return slice, nil
}
