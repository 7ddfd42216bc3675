"""The same conversation through aiogram, whose models check every answer.

Driven by tests/rules/aiogram.rs: the sandbox's address, the token and the ids come as arguments.
"""

import asyncio
import json
import sys
import urllib.request

from aiogram import Bot, Dispatcher, F
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.filters import Command, CommandStart
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyParameters,
)
from aiogram.utils.formatting import Bold, Code, Pre, Text

url, token, ada, mallory, lab, png_file = sys.argv[1:]
ada, mallory, lab = int(ada), int(mallory), int(lab)
png = open(png_file, "rb").read()
straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def order(path, **fields):
    """People act through the control API."""
    body = json.dumps(fields).encode()
    request = urllib.request.Request(f"{url}/sandbox/{path}", body, {"Content-Type": "application/json"})
    return json.load(straight.open(request))


async def people(path, **fields):
    return await asyncio.to_thread(order, path, **fields)


async def refused(kind, call, words):
    try:
        await call
    except kind as error:
        assert words in str(error), (words, str(error))
        return error
    raise AssertionError(f"{words}: not refused")


def picture(name="p.png"):
    return BufferedInputFile(png, name)


def keys(**buttons):
    row = [InlineKeyboardButton(text=text, callback_data=data) for text, data in buttons.items()]
    return InlineKeyboardMarkup(inline_keyboard=[row])


async def panel(bot):
    """A picture, pinned quietly, replaced in place."""
    sent = await bot.send_photo(lab, picture(), caption="<b>airy</b> 1/101", reply_markup=keys(Stop="stop:1"))
    assert (sent.photo[-1].width, sent.caption_entities[0].type) == (64, "bold")
    assert await bot.pin_chat_message(lab, sent.message_id, disable_notification=True)
    assert (await bot.get_chat(lab)).pinned_message.message_id == sent.message_id
    media = InputMediaPhoto(media=picture("q.png"), caption="airy <i>2/101</i>")
    edited = await bot.edit_message_media(media, chat_id=lab, message_id=sent.message_id, reply_markup=keys(Stop="stop:1"))
    assert edited.edit_date and edited.caption == "airy 2/101"
    same = bot.edit_message_caption(chat_id=lab, message_id=sent.message_id, caption="airy <i>2/101</i>", reply_markup=keys(Stop="stop:1"))
    await refused(TelegramBadRequest, same, "message is not modified")
    again = await bot.send_photo(lab, edited.photo[-1].file_id)
    assert again.photo[-1].file_unique_id == edited.photo[-1].file_unique_id
    assert (await bot.download(edited.photo[-1].file_id)).read() == png
    album = await bot.send_media_group(lab, [InputMediaPhoto(media=picture()), InputMediaPhoto(media=picture())])
    assert album[0].media_group_id == album[1].media_group_id
    return sent.message_id


async def words(bot):
    """aiogram's own builders make entities; ours must come back the same."""
    text = Text(Bold("Crashed"), " 😀 ", Code("exit 139"), "\n", Pre("Segmentation fault"))
    sent = await bot.send_message(ada, parse_mode=None, **text.as_kwargs(replace_parse_mode=False))
    kinds = [(e.type, e.extract_from(sent.text)) for e in sent.entities]
    assert kinds == [("bold", "Crashed"), ("code", "exit 139"), ("pre", "Segmentation fault")], kinds
    assert sent.html_text.startswith("<b>Crashed</b> 😀 <code>exit 139</code>")
    reply = await bot.send_message(ada, "reply", reply_parameters=ReplyParameters(message_id=sent.message_id))
    assert reply.reply_to_message.message_id == sent.message_id
    await bot.edit_message_text("edited", chat_id=ada, message_id=sent.message_id)
    copy = await bot.copy_message(ada, ada, sent.message_id)
    forward = await bot.forward_message(ada, ada, sent.message_id)
    assert forward.forward_origin.sender_user.is_bot
    assert await bot.delete_messages(ada, [copy.message_id, forward.message_id])
    await refused(TelegramBadRequest, bot.send_message(ada, "1 < 2"), "can't parse entities")
    await refused(TelegramBadRequest, bot.send_message(ada, "a" * 4097), "message is too long")
    document = await bot.send_document(ada, BufferedInputFile(b"x" * 3000, "run.log"))
    assert document.document.file_size == 3000
    too_large = bot.send_document(ada, BufferedInputFile(b"x" * (50 * 1024 * 1024 + 1), "big.log"), request_timeout=120)
    await refused(TelegramEntityTooLarge, too_large, "Request Entity Too Large")


async def menus(bot):
    commands = [BotCommand(command="run", description="start a computation")]
    scope = BotCommandScopeAllGroupChats()
    assert await bot.set_my_commands(commands, scope)
    assert [(c.command, c.description) for c in await bot.get_my_commands(scope)] == [("run", "start a computation")]
    assert await bot.delete_my_commands(scope) and await bot.get_my_commands(scope) == []
    assert await bot.set_my_short_description("short") and (await bot.get_my_short_description()).short_description == "short"
    me = await bot.get_me()
    assert (await bot.get_chat_member(lab, me.id)).can_pin_messages
    assert [a.status for a in await bot.get_chat_administrators(lab)] == ["creator", "administrator"]


async def unreachable(bot):
    await refused(TelegramBadRequest, bot.send_message(-1, "x"), "chat not found")
    await refused(TelegramBadRequest, bot.send_message(mallory, "x"), "chat not found")
    await people("block", person=ada, blocked=True)
    await refused(TelegramForbiddenError, bot.send_message(ada, "x"), "bot was blocked by the user")
    await people("block", person=ada, blocked=False)
    await people("faults", method="sendMessage", fault={"kind": "too_many", "retry_after": 3})
    error = await refused(TelegramRetryAfter, bot.send_message(ada, "x"), "Too Many Requests")
    assert error.retry_after == 3
    small = (await people("chats", title="Small", members=[ada]))["id"]
    new = (await people("migrate", chat=small))["id"]
    error = await refused(TelegramMigrateToChat, bot.send_message(small, "x"), "migrated")
    assert error.migrate_to_chat_id == new
    stranger = Bot(token.split(":")[0] + ":wrong", session=bot.session)
    await refused(TelegramUnauthorizedError, stranger.get_me(), "Unauthorized")


async def dispatch(bot, panel_id):
    """aiogram's polling loop: commands, replies and presses arrive and are confirmed."""
    dispatcher = Dispatcher()
    seen = []

    @dispatcher.message(CommandStart(deep_link=True))
    async def start(message, command):
        seen.append(("start", command.args))

    @dispatcher.message(Command("run"))
    async def run(message, command):
        seen.append((command.command, command.mention, message.chat.type))

    @dispatcher.message(F.reply_to_message)
    async def reply(message):
        seen.append(("reply", message.reply_to_message.message_id == panel_id))

    @dispatcher.callback_query()
    async def press(query):
        await query.answer("Stopping", show_alert=True)
        seen.append((query.data, query.message.message_id == panel_id))
        await dispatcher.stop_polling()

    await people("start", person=ada, payload="claim-1")
    await people("send", person=ada, chat=lab, text="/run@sandbox_bot airy")
    await people("send", person=ada, chat=lab, text="look", reply_to=panel_id)
    await people("press", person=ada, chat=lab, message=panel_id, label="Stop")
    await dispatcher.start_polling(bot, handle_signals=False, polling_timeout=5, close_bot_session=False)
    wanted = [("start", "claim-1"), ("run", "sandbox_bot", "group"), ("reply", True), ("stop:1", True)]
    assert sorted(map(str, seen)) == sorted(map(str, wanted)), seen


async def main():
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    async with Bot(token, session=session, default=DefaultBotProperties(parse_mode="HTML")) as bot:
        me = await bot.me()
        assert me.username == "sandbox_bot" and me.can_read_all_group_messages is False
        panel_id = await panel(bot)
        await words(bot)
        await menus(bot)
        await dispatch(bot, panel_id)
        await unreachable(bot)
        await refused(TelegramNotFound, bot.get_user_profile_photos(ada), "method not found")
    print("all as told")


asyncio.run(main())
