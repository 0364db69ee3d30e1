package soak

import (
	"context"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

// follower follows all objects of one kind, through ends of the API server: what it does not
// remember afterwards is listed.
type follower struct {
	list    func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch   func(context.Context, metav1.ListOptions) (watch.Interface, error)
	history *history
	// known are the objects that are there, as last seen, by name; version is up to where.
	known   map[string]change
	version string
}

// follow goes on until the context ends.
func (f *follower) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if f.version == "" {
			if err := f.catchUp(ctx); err != nil {
				time.Sleep(50 * time.Millisecond)
				continue
			}
		}
		events, err := f.watch(ctx, metav1.ListOptions{ResourceVersion: f.version, AllowWatchBookmarks: true})
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		f.take(ctx, events)
		events.Stop()
	}
}

// catchUp lists what is there and adds what has changed.
func (f *follower) catchUp(ctx context.Context) error {
	once, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	list, err := f.list(once, metav1.ListOptions{})
	if err != nil {
		return err
	}
	now, err := meta.ListAccessor(list)
	if err != nil {
		return err
	}
	revision, err := strconv.ParseInt(now.GetResourceVersion(), 10, 64)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	err = meta.EachListItem(list, func(object runtime.Object) error {
		next, err := readChange(object)
		if err != nil {
			return err
		}
		there[next.name()] = true
		if next.revision > f.known[next.name()].revision {
			f.add(next)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, last := range f.known {
		if !there[name] {
			last.revision, last.gone = revision, true
			f.add(last)
		}
	}
	f.version = now.GetResourceVersion()
	return nil
}

// take takes events until they end.
func (f *follower) take(ctx context.Context, events watch.Interface) {
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-events.ResultChan():
			switch {
			case !open:
				return
			case event.Type == watch.Error:
				f.version = "" // too old: the API server has begun anew
				return
			case event.Type == watch.Bookmark:
				if at, err := meta.Accessor(event.Object); err == nil {
					f.version = at.GetResourceVersion()
				}
				continue
			}
			next, err := readChange(event.Object)
			if err != nil {
				f.history.fail(err)
				return
			}
			next.gone = event.Type == watch.Deleted
			f.add(next)
			f.version = strconv.FormatInt(next.revision, 10)
		}
	}
}

func (f *follower) add(next change) {
	if next.gone {
		delete(f.known, next.name())
	} else {
		f.known[next.name()] = next
	}
	f.history.add(next)
}
