/** What the phone's page of the QR login says. */
import { type CommonPhrase, commonChinese, commonEnglish } from '../shared/common-phrases.ts';
import type { LanguageCode, Phrases } from '../shared/language.ts';

export type PhonePhrase =
  | CommonPhrase
  | 'otherLanguage'
  | 'scanning'
  | 'ask'
  | 'site'
  | 'browser'
  | 'unknownBrowser'
  | 'address'
  | 'yourName'
  | 'warning'
  | 'confirm'
  | 'cancel'
  | 'confirmed'
  | 'confirmedText'
  | 'cancelled'
  | 'cancelledText'
  | 'taken'
  | 'takenText'
  | 'gone'
  | 'goneText'
  | 'noCode'
  | 'noCodeText'
  | 'failed'
  | 'note';

const english: Phrases<PhonePhrase> = {
  ...commonEnglish,
  otherLanguage: '中文',
  scanning: 'Reading the code…',
  ask: 'Sign in on this computer?',
  site: 'Site',
  browser: 'Browser',
  unknownBrowser: 'not known',
  address: 'Address',
  yourName: 'Sign in as',
  warning: 'Confirm only if you are sitting in front of that browser yourself.',
  confirm: 'Sign in',
  cancel: 'Decline',
  confirmed: 'Signed in',
  confirmedText: 'The page on the computer signs in as {name}. You can close this one.',
  cancelled: 'Declined',
  cancelledText: 'Nobody was signed in, and the code is void.',
  taken: 'Somebody else was first',
  takenText:
    'This code was scanned on another phone, or used already. Draw a new one on the computer, then scan again.',
  gone: 'This code is no longer valid',
  goneText: 'It has expired or was declined. Draw a new one on the computer, then scan again.',
  noCode: 'No code',
  noCodeText: 'Open the login page on a computer, and scan what it shows.',
  failed: 'That did not work',
  note: 'In this demo the page calls the server API itself: development mode allows that on this machine. In production your own backend does it, after it has checked who the user of the phone is.',
};

const chinese: Phrases<PhonePhrase> = {
  ...commonChinese,
  otherLanguage: 'English',
  scanning: '正在读取二维码…',
  ask: '在这台电脑上登录？',
  site: '网站',
  browser: '浏览器',
  unknownBrowser: '未知',
  address: '地址',
  yourName: '登录身份',
  warning: '只有你本人正坐在那个浏览器前，才可以确认。',
  confirm: '确认登录',
  cancel: '取消',
  confirmed: '登录成功',
  confirmedText: '电脑上的页面已登录为 {name}，这个页面可以关闭了。',
  cancelled: '已取消',
  cancelledText: '没有登录，这个二维码已经作废。',
  taken: '已经被别人扫过',
  takenText: '这个二维码已被另一部手机扫描，或已经用过。请在电脑上重新生成后再扫。',
  gone: '二维码已失效',
  goneText: '它已过期或已被取消。请在电脑上重新生成后再扫。',
  noCode: '没有二维码',
  noCodeText: '请在电脑上打开登录页面，扫描它显示的二维码。',
  failed: '没有成功',
  note: '这个演示里，页面自己调用服务端接口：开发模式在本机允许这样做。正式环境中由你自己的后端来调用，它先要核实手机上的用户是谁。',
};

export const phonePhrases: Readonly<Record<LanguageCode, Phrases<PhonePhrase>>> = {
  en: english,
  zh: chinese,
};
