/** @module Container names and ids: the grammar of names, random ids, and generated names. */
import { TsdError } from "../../errors.ts";

const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Validates a container name. @throws {TsdError} invalid_argument, with Docker's text */
export function parseContainerName(name: string): string {
  if (!NAME.test(name) || name.length > 255) {
    throw new TsdError(
      "invalid_argument",
      `Invalid container name (${name.slice(0, 300)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  }
  return name.replace(/^\//, "");
}

/**
 * Returns 64 random hex digits. The first twelve are never all decimal, as such a short id would be read as a number.
 */
export function randomId(): string {
  for (;;) {
    const id = crypto.getRandomValues(new Uint8Array(32)).toHex();
    if (/[a-f]/.test(id.slice(0, 12))) return id;
  }
}

const ADJECTIVES =
  "agile amber bold brave breezy bright brisk calm candid clever cosmic crisp curious dapper daring eager earnest fair fearless fond frosty gentle glad golden graceful happy hardy honest humble jolly keen kind lively lucid mellow merry mighty modest neat nimble noble patient playful polite proud quick quiet ready serene sharp silent smart steady sunny swift tidy upbeat vivid warm wise witty zesty"
    .split(" ");
const SURNAMES =
  "abel archimedes babbage bardeen bohr boole born bose cantor carson cauchy clarke curie dijkstra dirac euclid euler faraday fermat feynman franklin galileo gauss goodall hamilton hawking heisenberg hertz hopper hubble hypatia johnson kepler lagrange lamarr leavitt lovelace maxwell meitner mendel mirzakhani newton noether pascal pasteur pauli perlman planck ramanujan riemann ritchie rosalind sagan shannon tesla thompson turing volta wing wright yonath zuse"
    .split(" ");

/** Returns a generated name, `adjective_surname`, with a digit if the plain names seem to be in use. */
export function friendlyName(isTaken: (name: string) => boolean): string {
  const pick = (words: string[]) => words[Math.floor(Math.random() * words.length)];
  for (let attempt = 0;; attempt++) {
    const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}${
      attempt < 5 ? "" : Math.floor(Math.random() * 10 ** (attempt - 4))
    }`;
    if (!isTaken(name)) return name;
  }
}
