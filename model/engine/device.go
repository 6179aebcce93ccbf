package engine

import (
	"errors"
	"fmt"
	"os"

	ort "github.com/yalue/onnxruntime_go"
)

// sessionOptions sets threads and device. The caller destroys them.
func sessionOptions(o Options) (*ort.SessionOptions, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("loading model: %s: %w", oneLine(err), ErrLibrary)
	}
	err = configure(options, o)
	if err != nil {
		return nil, errors.Join(err, options.Destroy())
	}
	return options, nil
}

func configure(options *ort.SessionOptions, o Options) error {
	err := errors.Join(
		options.SetIntraOpNumThreads(o.Threads),
		options.SetInterOpNumThreads(1),
		options.SetExecutionMode(ort.ExecutionModeSequential),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", flag(o.Spin)),
		// Between two inferences the cores are the control loop's.
		options.AddSessionConfigEntry("session.force_spinning_stop", "1"),
	)
	if err != nil {
		return fmt.Errorf("configuring %d threads: %s: %w", o.Threads, oneLine(err), ErrLibrary)
	}
	switch o.Device {
	case CUDA:
		return configureGPU(options, CUDA, appendCUDA)
	case TensorRT:
		return configureGPU(options, TensorRT, appendTensorRT, appendCUDA)
	}
	return nil
}

// flag is how a setting of the library says yes or no.
func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// configureGPU asks for the GPU alone: without the last setting ONNX Runtime would run on the CPU what the
// GPU cannot, and say nothing.
func configureGPU(options *ort.SessionOptions, device string, providers ...func(*ort.SessionOptions) error) error {
	remedies := map[string]string{
		CUDA:     "it needs an NVIDIA driver, CUDA 13, cuDNN 9 and the library of the wheel onnxruntime-gpu 1.31.1; or ask for cpu",
		TensorRT: "it needs what cuda needs, and TensorRT 10; or ask for cuda or cpu",
	}
	var err error
	for _, provider := range providers {
		if err == nil {
			err = provider(options)
		}
	}
	if err == nil {
		err = options.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1")
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %s: %w", device, oneLine(err), remedies[device], ErrDevice)
	}
	return nil
}

// appendCUDA turns TF32 off, which keeps 10 of float32's 23 bits: float32 is what Description says.
func appendCUDA(options *ort.SessionOptions) error {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer cuda.Destroy()
	if err := cuda.Update(map[string]string{"use_tf32": "0"}); err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(cuda)
}

// appendTensorRT turns TF32 off by NVIDIA's own variable, because the provider has no option for it.
func appendTensorRT(options *ort.SessionOptions) error {
	if err := os.Setenv("NVIDIA_TF32_OVERRIDE", "0"); err != nil {
		return err
	}
	trt, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer trt.Destroy()
	if err := trt.Update(map[string]string{"trt_fp16_enable": "0", "trt_int8_enable": "0"}); err != nil {
		return err
	}
	return options.AppendExecutionProviderTensorRT(trt)
}

// Offers is nil when a device can be had, and otherwise says what is missing.
func (r *Runtime) Offers(device string) error {
	options, err := sessionOptions(Options{Device: device, Threads: 1})
	if err != nil {
		return err
	}
	return options.Destroy()
}
