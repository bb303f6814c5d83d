/** A program that is not installed; the message ends with the command that installs it. */
export class MissingProgram extends Error {
  override readonly name = "MissingProgram";
  readonly packages: readonly string[];

  constructor(program: string, packages: readonly string[], options?: ErrorOptions) {
    super(
      `${program} is not installed. On Debian or Ubuntu:\n` +
        `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(" ")}`,
      options,
    );
    this.packages = packages;
  }
}
