/** Tag expressions, `vip & city=sh & !dev=ios`: what they mean, and the parser. */
import { limits } from '@carillon/protocol';

/**
 * Without a value a tag holds where it is there and is not `false`. With one, the tag's value has that text: `level=3` holds
 * for the number and for the string.
 */
export type Where =
  | { readonly kind: 'tag'; readonly name: string; readonly value?: string }
  | { readonly kind: 'not'; readonly of: Where }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Where[] };

/** An expression that cannot be read; the message is the end of a sentence that begins with the expression's name. */
export class WhereError extends Error {}

/** `!` binds closest, then `&`, then `|`. @throws {WhereError} */
export function parseWhere(text: string): Where {
  if (text.length > limits.whereBytes)
    throw new WhereError(`must not be longer than ${limits.whereBytes} bytes`);
  return new Parser(text).parse();
}

interface Token {
  /** One of `& | ! ( ) =`, or `word`, or `end`. */
  readonly kind: string;
  readonly text: string;
  /** Where it begins, from 1. */
  readonly at: number;
}

const tokenPattern = /\s*(?:([&|!()=])|"((?:[^"\\]|\\["\\])*)"|([^\s&|!()="]+))/y;

class Parser {
  readonly #text: string;
  #token: Token;
  #end = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#token = this.#next();
  }

  parse(): Where {
    if (this.#token.kind === 'end')
      throw new WhereError('must not be empty; for everybody use {"all": true}');
    const where = this.#any();
    if (this.#token.kind !== 'end') throw this.#unexpected("'&' or '|'");
    return where;
  }

  #any(): Where {
    const of = [this.#all()];
    while (this.#take('|')) of.push(this.#all());
    return one('or', of);
  }

  #all(): Where {
    const of = [this.#not()];
    while (this.#take('&')) of.push(this.#not());
    return one('and', of);
  }

  #not(): Where {
    if (!this.#take('!')) return this.#atom();
    return this.#deeper(() => ({ kind: 'not', of: this.#not() }));
  }

  #atom(): Where {
    if (this.#take('(')) {
      const where = this.#deeper(() => this.#any());
      if (!this.#take(')')) throw this.#unexpected("')'");
      return where;
    }
    const name = this.#word("a tag, '!' or '('");
    return this.#take('=') ? { kind: 'tag', name, value: this.#word('a value') } : { kind: 'tag', name };
  }

  #deeper(parse: () => Where): Where {
    if (this.#depth === limits.whereDepth) {
      throw new WhereError(`must not nest more than ${limits.whereDepth} parentheses and '!'`);
    }
    this.#depth += 1;
    const where = parse();
    this.#depth -= 1;
    return where;
  }

  #word(expected: string): string {
    const { kind, text } = this.#token;
    if (kind !== 'word') throw this.#unexpected(expected);
    this.#token = this.#next();
    return text;
  }

  #take(kind: string): boolean {
    if (this.#token.kind !== kind) return false;
    this.#token = this.#next();
    return true;
  }

  #next(): Token {
    tokenPattern.lastIndex = this.#end;
    const found = tokenPattern.exec(this.#text);
    if (found === null) return this.#last();
    this.#end = tokenPattern.lastIndex;
    const [whole, sign, quoted, word] = found;
    const at = found.index + whole.length - whole.trimStart().length + 1;
    if (sign !== undefined) return { kind: sign, text: sign, at };
    return { kind: 'word', text: word ?? unescaped(quoted ?? ''), at };
  }

  #last(): Token {
    const rest = this.#text.slice(this.#end).trimStart();
    const at = this.#text.length - rest.length + 1;
    if (rest !== '') throw new WhereError(`has a quote at character ${at} that does not end`);
    return { kind: 'end', text: '', at };
  }

  #unexpected(expected: string): WhereError {
    const { kind, text, at } = this.#token;
    const found = kind === 'end' ? 'it ends' : `stands '${text.slice(0, 32)}'`;
    return new WhereError(`needs ${expected} at character ${at}, where ${found}`);
  }
}

function one(kind: 'and' | 'or', of: readonly Where[]): Where {
  const [only, ...others] = of;
  return only !== undefined && others.length === 0 ? only : { kind, of };
}

function unescaped(quoted: string): string {
  return quoted.replaceAll(/\\(["\\])/g, '$1');
}
