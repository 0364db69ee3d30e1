package deviceapi

// MovableAnnotation says of a pod, or of all pods of a PriorityClass, whether defragmentation may
// evict them so that they start again elsewhere: "true" or "false". What the pod says counts before
// what its class does; without either it stays where it is.
const MovableAnnotation = "ashlar.dev/movable"
