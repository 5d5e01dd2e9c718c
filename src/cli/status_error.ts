import { TsdError } from "../errors.ts";

/** A failure whose message is printed as is: without the program's name and without a pointer to the help. */
export class StatusError extends TsdError {
  override readonly name = "StatusError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super("usage", message);
    this.exitCode = exitCode;
  }
}
