/** The requests of a push as lines of a terminal, so that they can be tried and copied. */
import { apiLine } from '../../shared/curl.ts';
import { create } from '../../shared/dom.ts';
import type { Language } from '../../shared/language.ts';
import type { Call } from './audience.ts';
import type { OperatorPhrase } from './phrases.ts';

export function showCalls(
  place: HTMLElement,
  calls: readonly Call[],
  language: Language<OperatorPhrase>,
): void {
  if (calls.length === 0) {
    language.say(place, 'calledNothing');
    return;
  }
  place.removeAttribute('data-text');
  place.replaceChildren(...lines(calls).map((line) => create('span', 'line', line)));
}

/** One line each. */
export function lines(calls: readonly Call[]): readonly string[] {
  return calls.map(({ method, params }) => apiLine(location.origin, method, params));
}
