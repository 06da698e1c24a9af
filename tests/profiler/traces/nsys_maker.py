"""Make SQLite files as `nsys export --type sqlite` does, from the schema in NVIDIA's user guide."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

PID = 4242
GLOBAL_PID = (1 << 48) | (PID << 24)
TID = GLOBAL_PID | 77

# Column names of schema 3.x (2024 and later); only names matter, as SQLite's types do not bind.
TABLES = {
    "StringIds": "id value",
    "CUPTI_ACTIVITY_KIND_KERNEL": (
        "start end deviceId contextId greenContextId streamId correlationId globalPid "
        "demangledName shortName mangledName launchType cacheConfig registersPerThread "
        "gridX gridY gridZ blockX blockY blockZ staticSharedMemory dynamicSharedMemory "
        "localMemoryPerThread localMemoryTotal gridId sharedMemoryExecuted graphNodeId "
        "sharedMemoryLimitConfig graphId"
    ),
    "CUPTI_ACTIVITY_KIND_MEMCPY": (
        "start end deviceId contextId greenContextId streamId correlationId globalPid bytes "
        "copyKind deprecatedSrcId srcKind dstKind srcDeviceId srcContextId dstDeviceId "
        "dstContextId migrationCause graphNodeId virtualAddress copyCount"
    ),
    "CUPTI_ACTIVITY_KIND_MEMSET": (
        "start end deviceId contextId greenContextId streamId correlationId globalPid value bytes "
        "graphNodeId memKind"
    ),
    "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION": (
        "start end deviceId contextId greenContextId streamId correlationId globalPid "
        "deprecatedSyncType syncType eventId eventSyncId"
    ),
    "CUPTI_ACTIVITY_KIND_GRAPH_TRACE": (
        "start end deviceId contextId greenContextId streamId correlationId globalPid graphId "
        "graphExecId"
    ),
    "CUPTI_ACTIVITY_KIND_RUNTIME": (
        "start end eventClass globalTid correlationId nameId returnValue callchainId"
    ),
    "NVTX_EVENTS": (
        "start end eventType rangeId category color text globalTid endGlobalTid textId domainId"
    ),
    "OSRT_API": "start end eventClass globalTid correlationId nameId returnValue",
    "PROFILER_OVERHEAD": "start end globalTid nameId returnValue",
    "CUDA_GPU_MEMORY_USAGE_EVENTS": (
        "start globalPid deviceId contextId address pc bytes memKind memoryOperationType name "
        "correlationId streamId"
    ),
    "GPU_METRICS": "rawTimestamp timestamp typeId metricId value",
    "TARGET_INFO_GPU_METRICS": "typeId sourceId typeName metricId metricName",
    "TARGET_INFO_GPU": (
        "vmId id name busLocation totalMemory memoryBandwidth clockRate smCount maxShmemPerSm "
        "maxRegistersPerSm threadsPerWarp maxWarpsPerSm computeMajor computeMinor"
    ),
    "TARGET_INFO_CUDA_DEVICE": "gpuId cudaId pid uuid numMultiprocessors",
    "TARGET_INFO_SESSION_START_TIME": "utcEpochNs utcTime localTime",
    "TARGET_INFO_SYSTEM_ENV": "globalVid devStateName name nameEnum value",
    "META_DATA_EXPORT": "name value",
    "ThreadNames": "nameId priority globalTid",
    "PROCESSES": "globalPid pid name",
    "DIAGNOSTIC_EVENT": "timestamp timestampType source severity text globalPid",
}


class Export:
    """An export that is being made; tables are made with their first row."""

    def __init__(self, path: Path, tables: dict[str, str] | None = None) -> None:
        self.path = path
        self._tables = {**TABLES, **(tables or {})}
        self._connection = sqlite3.connect(path)
        self._made: set[str] = set()
        self._texts: dict[str, int] = {}

    def text(self, text: str) -> int:
        """Return the number of a registered text."""
        if text not in self._texts:
            self._texts[text] = 100 + 7 * len(self._texts)
            self.add("StringIds", id=self._texts[text], value=text)
        return self._texts[text]

    def add(self, table: str, **cells: Any) -> None:
        columns = self._tables[table].split()
        if table not in self._made:
            named = ", ".join(f'"{column}"' for column in columns)
            self._connection.execute(f"CREATE TABLE {table} ({named})")
            self._made.add(table)
        unknown = set(cells) - set(columns)
        assert not unknown, f"{table} has no {unknown}"
        row = [cells.get(column) for column in columns]
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)

    def kernel(self, start: int, end: int, name: str = "gemm", **cells: Any) -> None:
        number = self.text(name)
        given = {
            "deviceId": 0, "contextId": 1, "streamId": 7, "correlationId": 1,
            "globalPid": GLOBAL_PID, "demangledName": number, "shortName": number,
            "registersPerThread": 32, "gridX": 8, "gridY": 2, "gridZ": 1, "blockX": 256,
            "blockY": 1, "blockZ": 1, "staticSharedMemory": 1024, "dynamicSharedMemory": 512,
        }  # fmt: skip
        known = self._tables["CUPTI_ACTIVITY_KIND_KERNEL"].split()
        given = {key: value for key, value in given.items() if key in known}
        self.add("CUPTI_ACTIVITY_KIND_KERNEL", start=start, end=end, **{**given, **cells})

    def on_device(self, sort: str, start: int, end: int, **cells: Any) -> None:
        given = {
            "deviceId": 0, "contextId": 1, "streamId": 7, "correlationId": 1,
            "globalPid": GLOBAL_PID,
        }  # fmt: skip
        self.add(f"CUPTI_ACTIVITY_KIND_{sort}", start=start, end=end, **{**given, **cells})

    def call(self, start: int, end: int, name: str, **cells: Any) -> None:
        given = {"globalTid": TID, "correlationId": 1, "nameId": self.text(name), "returnValue": 0}
        self.add("CUPTI_ACTIVITY_KIND_RUNTIME", start=start, end=end, **{**given, **cells})

    def range(self, start: int, end: int | None, **cells: Any) -> None:
        self.add(
            "NVTX_EVENTS", start=start, end=end, **{"eventType": 59, "globalTid": TID, **cells}
        )

    def run(self, statement: str) -> None:
        self._connection.execute(statement)

    def done(self) -> Path:
        self._connection.commit()
        self._connection.close()
        return self.path
