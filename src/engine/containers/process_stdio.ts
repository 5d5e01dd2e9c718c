/** @module Creates the streams of a process: a terminal or FIFOs. */
import { type FifoCalls, FifoIo } from "../../runtime/fifo_io.ts";
import type { StdioRouter } from "../../runtime/logs/stdio_router.ts";
import type { ProcessStdio, ProcessStdioOptions, TerminalSize } from "../../runtime/stdio.ts";
import { TerminalIo } from "../../runtime/terminal_io.ts";
import type { Container } from "../model/container.ts";
import { logOf } from "./container_logs.ts";
import { consoleSize } from "./container_spec.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";

/** The requested streams of a process. */
export interface StdioRequest extends ProcessStdioOptions {
  readonly tty: boolean;
  /** Path of the socket on which the terminal is received; 107 bytes at most. */
  readonly consoleSocket: string;
  /** The initial size of the terminal. */
  readonly size?: TerminalSize | undefined;
}

/** Returns the streams of a container's init process. */
export function containerStdio(container: Container, paths: EnginePaths): StdioRequest {
  const { id, record: { config, hostConfig } } = container;
  const { bundle } = containerPaths(paths, id);
  const log = logOf(container, paths);
  return {
    key: id,
    dir: bundle,
    stdin: config.OpenStdin ?? false,
    output: true,
    ...(log && { log }),
    tty: config.Tty ?? false,
    consoleSocket: `${bundle}/tty`,
    size: consoleSize(hostConfig.ConsoleSize),
  };
}

/** Creates the streams of one process. */
export function newProcessStdio(
  { tty, consoleSocket, size, ...options }: StdioRequest,
  hub: StdioRouter,
  calls: FifoCalls,
) {
  const io: ProcessStdio = tty
    ? new TerminalIo({ ...options, consoleSocket, size }, hub, calls)
    : new FifoIo(options, hub, calls);
  return io;
}
