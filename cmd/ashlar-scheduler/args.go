package main

import (
	_ "github.com/ashlar-dev/ashlar/plugins/apis/config/scheme" // arguments of DevicePlacement in a configuration file
)
