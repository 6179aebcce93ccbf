// ONNX Runtime with a fault: the real library behind it does all the work, but while a file called FAULTS_ENGINE.hang
// is there a run does not return, and while FAULTS_ENGINE.fail is there it fails as it does without memory. FAULTS_ENGINE
// and FAULTS_ENGINE_LIBRARY, the real one, are environment variables. The suite compiles it beside its other files.

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "onnxruntime_c_api.h"

static const OrtApiBase *real_base;
static const OrtApi *real;
static OrtApi api;
static OrtApiBase base;

static int asked(const char *what) {
  char path[4096];
  snprintf(path, sizeof path, "%s.%s", getenv("FAULTS_ENGINE"), what);
  return access(path, F_OK) == 0;
}

static OrtStatus *ORT_API_CALL faulty(void) {
  while (asked("hang")) usleep(1000);
  return asked("fail") ? real->CreateStatus(ORT_RUNTIME_EXCEPTION, "out of memory") : NULL;
}

static OrtStatusPtr ORT_API_CALL run(OrtSession *session, const OrtRunOptions *options, const char *const *in,
                                     const OrtValue *const *inputs, size_t ins, const char *const *out, size_t outs,
                                     OrtValue **outputs) {
  OrtStatus *status = faulty();
  return status ? status : real->Run(session, options, in, inputs, ins, out, outs, outputs);
}

static OrtStatusPtr ORT_API_CALL run_bound(OrtSession *session, const OrtRunOptions *options, const OrtIoBinding *binding) {
  OrtStatus *status = faulty();
  return status ? status : real->RunWithBinding(session, options, binding);
}

static const OrtApi *ORT_API_CALL get_api(uint32_t version) {
  real = real_base->GetApi(version);
  if (!real) return NULL;
  // Its size grows with its version; what lies behind what this header knows is nobody's to call through it.
  memcpy(&api, real, sizeof api);
  api.Run = run;
  api.RunWithBinding = run_bound;
  return &api;
}

const OrtApiBase *ORT_API_CALL OrtGetApiBase(void) {
  void *library = dlopen(getenv("FAULTS_ENGINE_LIBRARY"), RTLD_NOW | RTLD_LOCAL);
  if (!library) return NULL;
  const OrtApiBase *(*get)(void) = (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase");
  if (!get || !(real_base = get())) return NULL;
  base.GetApi = get_api;
  base.GetVersionString = real_base->GetVersionString;
  return &base;
}
