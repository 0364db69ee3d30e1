//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
)

// cniCommand is the variable by which a CNI plugin is told what to do.
const cniCommand = "CNI_COMMAND"

// podAddresses are those of pods that do not share the node's network (RFC 2544: for
// tests). No packet leaves a pod.
var podAddresses = netip.MustParsePrefix("198.19.0.0/16")

// cniVersions are those of the protocol that the plugin speaks: what it says is the same
// in all of them.
var cniVersions = []string{"0.3.1", "0.4.0", "1.0.0"}

// runPlugin is the CNI plugin of the node's only network: a pod gets a loopback interface
// with an address, so that it has one to tell.
func runPlugin() error {
	var answer any
	switch command := os.Getenv(cniCommand); command {
	case "VERSION":
		answer = map[string]any{"cniVersion": cniVersions[len(cniVersions)-1], "supportedVersions": cniVersions}
	case "ADD":
		result, err := addPod(os.Getenv("CNI_CONTAINERID"), os.Getenv("CNI_NETNS"))
		if err != nil {
			return err
		}
		answer = result
	case "DEL", "CHECK": // the interface goes with its namespace
		return nil
	default:
		return fmt.Errorf("CNI command %q is none that the plugin knows", command)
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

// addPod raises the interface in a pod's network, and returns what the plugin says of it.
func addPod(pod, network string) (any, error) {
	var config struct {
		CNIVersion string `json:"cniVersion"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&config); err != nil {
		return nil, fmt.Errorf("reading the network's configuration: %w", err)
	}
	file, err := os.Open(network)
	if err != nil {
		return nil, fmt.Errorf("finding the pod's network: %w", err)
	}
	defer file.Close()
	address := podAddress(pod)
	if err := inNetwork(file, func() error { return raiseLoopback(address.String()) }); err != nil {
		return nil, fmt.Errorf("raising the pod's network: %w", err)
	}
	return map[string]any{
		"cniVersion": config.CNIVersion,
		"interfaces": []any{map[string]any{"name": os.Getenv("CNI_IFNAME"), "sandbox": network}},
		"ips": []any{map[string]any{
			"version": "4", "interface": 0, "address": (&net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(32, 32)}).String(),
		}},
	}, nil
}

// podAddress is a pod's address. Two may have the same one: nobody connects to it.
func podAddress(pod string) netip.Addr {
	hash := fnv.New32a()
	hash.Write([]byte(pod))
	sum := hash.Sum32()
	base := podAddresses.Addr().As4()
	return netip.AddrFrom4([4]byte{base[0], base[1], byte(sum >> 8), byte(sum)})
}
