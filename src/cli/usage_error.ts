import { TsdError } from "../errors.ts";

/** A command line that can't be meant. It is shown without the program's name, with a pointer to the help. */
export class UsageError extends TsdError {
  override readonly name = "UsageError";
  readonly exitCode: number;
  /** What was probably meant, as it would be typed. */
  readonly didYouMean: string | undefined;

  constructor(message: string, options: { exitCode?: number; didYouMean?: string | undefined } = {}) {
    super("usage", message);
    this.exitCode = options.exitCode ?? 125;
    this.didYouMean = options.didYouMean;
  }
}
