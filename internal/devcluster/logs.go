// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/grpclog"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// SetLibraryLog sends what klog and gRPC say to w; both log for the whole
// process and to the standard error until told otherwise. w must be safe for
// concurrent use (an *os.File is). Call it at most once, before the first
// Start: klog's logger must not change while anything runs.
func SetLibraryLog(w io.Writer) {
	klog.SetLogger(textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(w))))
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, w, w))
}

// etcdLogger writes etcd's warnings and errors to w.
func etcdLogger(w io.Writer) *zap.Logger {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.Lock(zapcore.AddSync(w)), zap.WarnLevel))
}
