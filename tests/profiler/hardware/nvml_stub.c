/* A small libnvidia-ml.so.1 for tests: two GPUs with fixed numbers.

   It lets the real binding put its real structures across a real C border. The file that $NVML_STUB
   names is read at every call; a line "nvmlDeviceGetTemperature 1 15" makes that call on GPU 1
   return 15, and "nvmlInit - 9" concerns calls without a GPU. What is missing here is a symbol that
   an old driver lacks. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };

struct gpu { int number; long energy_mj; };
static struct gpu gpus[2] = {{0, 1000000}, {1, 1000000}};
typedef struct gpu *Device;

static int told_to_fail(const char *function, Device gpu) {
    const char *path = getenv("NVML_STUB");
    FILE *file = path ? fopen(path, "r") : NULL;
    char name[100], which[10];
    int code, found = SUCCESS;
    while (file && fscanf(file, "%99s %9s %d", name, which, &code) == 3)
        if (!strcmp(name, function) && (gpu ? which[0] - '0' == gpu->number : which[0] == '-'))
            found = code;
    if (file) fclose(file);
    return found;
}
#define ENTER(gpu) do { int code = told_to_fail(__func__, gpu); if (code) return code; } while (0)

int nvmlInitWithFlags(unsigned flags) { (void)flags; ENTER(NULL); return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { (void)code; return "stub"; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    snprintf(out, size, "580.65.06");
    return SUCCESS;
}
int nvmlDeviceGetCount_v2(unsigned *count) { ENTER(NULL); *count = 2; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *out) {
    ENTER(&gpus[index]);
    *out = &gpus[index];
    return SUCCESS;
}
int nvmlDeviceGetUUID(Device gpu, char *out, unsigned size) {
    snprintf(out, size, "GPU-%d", gpu->number);
    return SUCCESS;
}
int nvmlDeviceGetName(Device gpu, char *out, unsigned size) {
    (void)gpu;
    snprintf(out, size, "NVIDIA Stub");
    return SUCCESS;
}
int nvmlDeviceGetArchitecture(Device gpu, unsigned *out) { (void)gpu; *out = 9; return SUCCESS; }
int nvmlDeviceGetTemperature(Device gpu, int sensor, unsigned *out) {
    (void)sensor;
    ENTER(gpu);
    *out = 50 + gpu->number;
    return SUCCESS;
}
int nvmlDeviceGetFanSpeed(Device gpu, unsigned *out) { (void)gpu; *out = ~0u; return SUCCESS; }

struct memory { unsigned long long total, free, used; };
int nvmlDeviceGetMemoryInfo(Device gpu, struct memory *out) {
    (void)gpu;
    *out = (struct memory){1ull << 36, (1ull << 36) - (5ull << 30), 5ull << 30};
    return SUCCESS;
}

union value { double d; unsigned u; unsigned long ul; unsigned long long ull; long long s; };
struct sample { unsigned long long stamp; union value value; };
int nvmlDeviceGetSamples(Device gpu, unsigned kind, unsigned long long since, int *type,
                         unsigned *count, struct sample *out) {
    ENTER(gpu);
    if (kind != 1) return NOT_SUPPORTED;
    *type = 1;
    unsigned found = 0;
    for (unsigned long long stamp = 1000000; stamp <= 3000000; stamp += 1000000)
        if (stamp > since) {
            if (out) out[found] = (struct sample){stamp, {.u = (unsigned)(stamp / 100000)}};
            found++;
        }
    *count = found;
    return found ? SUCCESS : NOT_FOUND;
}

struct field {
    unsigned id, scope;
    long long stamp, latency;
    int type, code;
    union value value;
};
int nvmlDeviceGetFieldValues(Device gpu, int count, struct field *fields) {
    ENTER(gpu);
    for (struct field *one = fields; one < fields + count; one++) {
        one->code = one->id == 83 ? SUCCESS : NOT_SUPPORTED;
        one->type = 3;
        one->value.ull = gpu->energy_mj += 1000;
    }
    return SUCCESS;
}

struct process { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; };
int nvmlDeviceGetComputeRunningProcesses_v3(Device gpu, unsigned *count, struct process *out) {
    unsigned room = *count;
    *count = 1;
    if (gpu->number) return NOT_SUPPORTED;
    if (!room || !out) return INSUFFICIENT_SIZE;
    out[0] = (struct process){1, 3ull << 30, ~0u, ~0u};
    return SUCCESS;
}

struct support { unsigned version, is_supported; };
int nvmlGpmQueryDeviceSupport(Device gpu, struct support *out) {
    out->is_supported = gpu->number == 0;
    return SUCCESS;
}
int nvmlGpmSampleAlloc(int **out) { *out = calloc(1, sizeof(int)); return SUCCESS; }
int nvmlGpmSampleFree(int *sample) { free(sample); return SUCCESS; }
int nvmlGpmSampleGet(Device gpu, int *sample) { static int n; (void)gpu; *sample = ++n; return SUCCESS; }
struct metric { unsigned id; int code; double value; const char *info[3]; };
struct request { unsigned version, count; int *one, *two; struct metric metrics[]; };
int nvmlGpmMetricsGet(struct request *request) {
    for (unsigned k = 0; k < request->count; k++) {
        struct metric *one = &request->metrics[k];
        one->code = one->id == 2 || one->id == 3 ? SUCCESS : NOT_SUPPORTED;
        one->value = *request->two > *request->one ? 10.0 * one->id : -1.0;
    }
    return SUCCESS;
}
