/** What the chat page says. */
import { type CommonPhrase, commonChinese, commonEnglish } from '../shared/common-phrases.ts';
import type { LanguageCode, Phrases } from '../shared/language.ts';

export type ChatPhrase =
  | CommonPhrase
  | 'otherLanguage'
  | 'skip'
  | 'sideLabel'
  | 'close'
  | 'yourName'
  | 'rooms'
  | 'otherRoom'
  | 'enterRoom'
  | 'hereNow'
  | 'you'
  | 'fromTerminal'
  | 'streamLabel'
  | 'empty'
  | 'emptyMore'
  | 'newer'
  | 'message'
  | 'send'
  | 'charactersLeft'
  | 'sending'
  | 'notSent'
  | 'retry'
  | 'discard'
  | 'earlier'
  | 'missed'
  | 'recovered'
  | 'nothingMissed'
  | 'gap'
  | 'refused';

const english: Phrases<ChatPhrase> = {
  ...commonEnglish,
  otherLanguage: '中文',
  skip: 'To the message box',
  sideLabel: 'Rooms and people',
  close: 'Close',
  yourName: 'Your name',
  rooms: 'Rooms',
  otherRoom: 'Another room',
  enterRoom: 'Enter the room',
  hereNow: 'Here now',
  you: 'you',
  fromTerminal: 'From a terminal',
  streamLabel: 'Messages',
  empty: 'Nobody has said anything here yet.',
  emptyMore: 'Write the first message, or open this page in a second window.',
  newer: { one: '{count} new message', other: '{count} new messages' },
  message: 'Message',
  send: 'Send',
  charactersLeft: { one: '{count} character left', other: '{count} characters left' },
  sending: 'Sending…',
  notSent: 'Not sent: {reason}',
  retry: 'Try again',
  discard: 'Discard',
  earlier: 'Earlier',
  missed: { one: '{count} message while you were offline', other: '{count} messages while you were offline' },
  recovered: { one: 'recovered {count} missed message', other: 'recovered {count} missed messages' },
  nothingMissed: 'nothing was missed',
  gap: 'Some messages are gone: the server no longer has them.',
  refused: 'This room cannot be entered: {reason}',
};

const chinese: Phrases<ChatPhrase> = {
  ...commonChinese,
  otherLanguage: 'English',
  skip: '跳到输入框',
  sideLabel: '房间和成员',
  close: '关闭',
  yourName: '你的名字',
  rooms: '房间',
  otherRoom: '其他房间',
  enterRoom: '进入房间',
  hereNow: '在线',
  you: '你',
  fromTerminal: '从终端发布',
  streamLabel: '消息',
  empty: '这里还没有人说话。',
  emptyMore: '写下第一条消息，或者在另一个窗口里也打开本页。',
  newer: '{count} 条新消息',
  message: '消息',
  send: '发送',
  charactersLeft: '还可以输入 {count} 个字',
  sending: '发送中…',
  notSent: '没有发出：{reason}',
  retry: '重试',
  discard: '丢弃',
  earlier: '更早',
  missed: '断线期间的 {count} 条消息',
  recovered: '已补回错过的 {count} 条消息',
  nothingMissed: '没有错过消息',
  gap: '有些消息找不回来了：服务器上已经没有了。',
  refused: '无法进入这个房间：{reason}',
};

export const chatPhrases: Readonly<Record<LanguageCode, Phrases<ChatPhrase>>> = { en: english, zh: chinese };
