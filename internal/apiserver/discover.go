package apiserver

import (
	"context"
	"fmt"
	"path"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
)

// DiscoverServer asks for the server's version and for the APIs by which the features can
// be seen. The context bounds it.
func DiscoverServer(ctx context.Context, client discovery.DiscoveryInterfaceWithContext, features []Feature) (Server, error) {
	version, err := client.ServerVersionWithContext(ctx)
	if err != nil {
		return Server{}, fmt.Errorf("asking the API server for its version: %w", err)
	}
	server := Server{Version: version.GitVersion, Served: map[string]bool{}}
	asked := map[string]bool{}
	for _, feature := range features {
		groupVersion := path.Dir(feature.API)
		if feature.API == "" || asked[groupVersion] {
			continue
		}
		asked[groupVersion] = true
		resources, err := client.ServerResourcesForGroupVersionWithContext(ctx, groupVersion)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return Server{}, fmt.Errorf("asking the API server for %s: %w", groupVersion, err)
		}
		for i := range resources.APIResources {
			server.Served[path.Join(groupVersion, resources.APIResources[i].Name)] = true
		}
	}
	return server, nil
}
