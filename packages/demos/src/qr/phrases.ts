/** What the desktop page of the QR login says. */
import { type CommonPhrase, commonChinese, commonEnglish } from '../shared/common-phrases.ts';
import type { LanguageCode, Phrases } from '../shared/language.ts';

export type QrPhrase =
  | CommonPhrase
  | 'otherLanguage'
  | 'title'
  | 'explanation'
  | 'codeLabel'
  | 'drawing'
  | 'waiting'
  | 'scanned'
  | 'scannedBySomebody'
  | 'confirmHint'
  | 'collecting'
  | 'done'
  | 'doneHint'
  | 'expired'
  | 'cancelled'
  | 'used'
  | 'failed'
  | 'again'
  | 'signOut'
  | 'left'
  | 'phoneTitle'
  | 'phoneText'
  | 'openPhone'
  | 'terminalTitle'
  | 'transport'
  | 'stepsTitle'
  | 'stepsText'
  | 'production'
  | 'guide'
  | 'hello'
  | 'phoneElse';

const english: Phrases<QrPhrase> = {
  ...commonEnglish,
  otherLanguage: '中文',
  title: 'Sign in with your phone',
  explanation: 'Scan the code, confirm on the phone, and this page is signed in that very moment.',
  codeLabel: 'QR code of the address that the phone opens',
  drawing: 'Drawing a code…',
  waiting: 'Waiting for your phone',
  scanned: 'Scanned by {name}',
  scannedBySomebody: 'Scanned',
  confirmHint: 'Now confirm on the phone.',
  collecting: 'Confirmed. Signing in…',
  hello: 'Hello, {name}',
  done: 'Signed in as {name}',
  doneHint: 'The page collected the login once; the code is worth nothing now.',
  expired: 'This code has expired',
  cancelled: 'Declined on the phone',
  used: 'This code was used already',
  failed: 'No code: {reason}',
  again: 'Draw a new code',
  signOut: 'Sign out',
  left: 'Valid for {time}',
  phoneTitle: 'No phone at hand?',
  phoneText: 'A phone cannot reach {host}. Open the page that it would show in a second window instead.',
  phoneElse: 'Open the page that it would show in a second window instead.',
  openPhone: 'Open the phone page here',
  terminalTitle: 'Or confirm as a backend does',
  transport: 'Wait by',
  production: 'In production',
  stepsTitle: 'What happens',
  stepsText: 'Requests of this page, and events of its channel. The login itself is never in the channel.',
  guide:
    'The phone talks to your own backend, which knows who its user is and calls these methods with an API key.',
};

const chinese: Phrases<QrPhrase> = {
  ...commonChinese,
  otherLanguage: 'English',
  title: '用手机扫码登录',
  explanation: '扫一扫，在手机上确认，这个页面立刻登录。',
  codeLabel: '手机将打开的地址的二维码',
  drawing: '正在生成二维码…',
  waiting: '等待手机扫码',
  scanned: '{name} 已扫码',
  scannedBySomebody: '已扫码',
  confirmHint: '请在手机上确认。',
  collecting: '已确认，正在登录…',
  hello: '你好，{name}',
  done: '已登录：{name}',
  doneHint: '登录信息只能领取一次，这个二维码已经作废。',
  expired: '二维码已过期',
  cancelled: '手机上取消了登录',
  used: '这个二维码已经用过',
  failed: '没有生成二维码：{reason}',
  again: '重新生成',
  signOut: '退出登录',
  left: '{time} 内有效',
  phoneTitle: '手边没有手机？',
  phoneText: '手机访问不到 {host}。可以在另一个窗口里打开手机会看到的页面。',
  phoneElse: '可以在另一个窗口里打开手机会看到的页面。',
  openPhone: '在这里打开手机页面',
  terminalTitle: '或者像后端一样确认',
  transport: '等待方式',
  production: '正式环境',
  stepsTitle: '发生了什么',
  stepsText: '这个页面的请求，以及频道里的事件。登录信息本身从不进入频道。',
  guide: '手机访问的是你自己的后端：它知道手机上的用户是谁，再用接口密钥调用这些方法。',
};

export const qrPhrases: Readonly<Record<LanguageCode, Phrases<QrPhrase>>> = { en: english, zh: chinese };
