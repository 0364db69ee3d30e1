// Package modelmemory reads from a pod which model server it runs and says whether a
// GPU has the memory that the server needs to start. What the pod leaves open is not
// guessed: such a pod is placed by what it asks for alone. Several servers in one pod are
// told apart by the GPUs that their containers ask for (SeparateServers). Pods that ask for
// other makers' devices, or for none, are told so (OtherDevices, NoDevices).
package modelmemory
