/** Turns a stream of amounts into whole numbers of a unit, without losing what is between them. */
export class Fraction {
  readonly #unit: number;
  #rest = 0;

  /** `unit`: the amount that makes 1. */
  constructor(unit: number) {
    this.#unit = unit;
  }

  /** Adds an amount; returns the whole units that it completes, positive or negative. */
  add(amount: number): number {
    const sum = this.#rest + amount;
    const whole = Math.trunc(sum / this.#unit);
    this.#rest = sum - whole * this.#unit;
    return whole;
  }
}
