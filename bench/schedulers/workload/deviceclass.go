package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// readBuffer is how much of a manifest is looked at to tell YAML from JSON.
const readBuffer = 4096

// ReadDeviceClasses reads the classes of whole GPUs, MIG slices and shares that the repository
// at root installs. The error names the file.
func ReadDeviceClasses(root string) ([]resourceapi.DeviceClass, error) {
	file := filepath.Join(root, "manifests", "driver", "deviceclasses.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading DeviceClasses: %w", err)
	}
	var classes []resourceapi.DeviceClass
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), readBuffer)
	for {
		var class resourceapi.DeviceClass
		err := decoder.Decode(&class)
		if errors.Is(err, io.EOF) {
			return classes, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		classes = append(classes, class)
	}
}
