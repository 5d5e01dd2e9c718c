/**
 * @module
 * What an engine must have to itself before it touches anything else: its directories, the lock on them and its socket.
 * An engine that can't have one of them leaves nothing but the run directory with the lock's file.
 */
import { TsdError } from "../../errors.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import { EngineSocket } from "./socket.ts";
import { type Reexec, takeOver } from "./reexec.ts";
import { dataRootOf, fillDirectories, lockOf, makeRunDir } from "./data_dirs.ts";
import { type EnginePaths, enginePaths } from "../paths.ts";

export interface ClaimOptions {
  readonly dataRoot: string;
  /** `unix://PATH`. Default: `tsd.sock` in the run directory. */
  readonly host: string | undefined;
  /** An engine that a client started lets another one serve instead, and waits for one that is about to end. */
  readonly onDemand: boolean;
}

/** Disposing removes the socket's file, and then gives the lock back. */
export interface EngineClaim extends AsyncDisposable {
  readonly paths: EnginePaths;
  readonly lock: OwnedFd;
  /** Not at its path yet, unless it was handed over. */
  readonly socket: EngineSocket;
  /** What this process handed over to itself before it executed itself anew. */
  readonly before: Reexec | undefined;
}

/** Undefined where another engine serves already. @throws {TsdError} conflict, invalid_argument, storage */
export async function claimEngine({ dataRoot, host, onDemand }: ClaimOptions): Promise<EngineClaim | undefined> {
  checkHost(host);
  using made = new DisposableStack();
  await using undo = new AsyncDisposableStack();
  const paths = await enginePaths(await dataRootOf(dataRoot, made));
  const socketPath = host === undefined ? `${paths.runDir}/tsd.sock` : pathOf(host);
  makeRunDir(paths.runDir);
  const before = takeOver(paths.runDir);
  const lock = before?.lock ?? await lockOf(paths, onDemand ? socketPath : undefined);
  if (lock === undefined) return undefined;
  undo.use(lock);
  const socket = undo.use(
    before === undefined
      ? await EngineSocket.claim(socketPath)
      : await EngineSocket.takeOver(socketPath, before.listener),
  );
  fillDirectories(paths);
  made.move();
  const held = undo.move();
  return { paths, lock, socket, before, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const pathOf = (host: string): string => host.replace(/^unix:\/\//, "");

/** @throws {TsdError} invalid_argument */
function checkHost(host: string | undefined): void {
  if (host === undefined || pathOf(host).startsWith("/")) return;
  throw new TsdError("invalid_argument", `Cannot listen on ${host}: only unix:// with an absolute path is supported`);
}
