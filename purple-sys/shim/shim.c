/* The C half of purple-sys: unpacks va_lists, whose layout differs from machine to machine, into plain structs. */
#include "shim.h"
#include <stdarg.h>

static BellflowerRequestOps installed;

static BellflowerButton *
take_buttons(va_list arguments, gsize count)
{
	BellflowerButton *buttons = g_new0(BellflowerButton, count ? count : 1);
	for (gsize i = 0; i < count; i++) {
		buttons[i].label = va_arg(arguments, const char *);
		buttons[i].callback = va_arg(arguments, GCallback);
		buttons[i].value = (int)i;
	}
	return buttons;
}

static void *
on_request_choice(const char *title, const char *primary, const char *secondary, int default_value,
		const char *ok_text, GCallback ok_cb, const char *cancel_text, GCallback cancel_cb,
		PurpleAccount *account, const char *who, PurpleConversation *conv, void *user_data, va_list choices)
{
	GArray *buttons = g_array_new(FALSE, TRUE, sizeof(BellflowerButton));
	const char *label;
	while ((label = va_arg(choices, const char *)) != NULL) {
		BellflowerButton button = { label, NULL, va_arg(choices, int) };
		g_array_append_val(buttons, button);
	}
	BellflowerRequest request = {
		.title = title, .primary = primary, .secondary = secondary, .who = who, .account = account,
		.conversation = conv, .user_data = user_data, .default_value = default_value,
		.ok_label = ok_text, .cancel_label = cancel_text, .ok = ok_cb, .cancel = cancel_cb,
		.buttons = (const BellflowerButton *)(void *)buttons->data, .n_buttons = buttons->len,
	};
	void *handle = installed.choice(&request);
	g_array_free(buttons, TRUE);
	return handle;
}

static void *
on_request_action_with_icon(const char *title, const char *primary, const char *secondary, int default_action,
		PurpleAccount *account, const char *who, PurpleConversation *conv, gconstpointer icon_data,
		gsize icon_size, void *user_data, size_t action_count, va_list actions)
{
	BellflowerButton *buttons = take_buttons(actions, action_count);
	BellflowerRequest request = {
		.title = title, .primary = primary, .secondary = secondary, .who = who, .account = account,
		.conversation = conv, .user_data = user_data, .default_value = default_action,
		.icon = icon_data, .icon_size = icon_size, .buttons = buttons, .n_buttons = action_count,
	};
	void *handle = installed.action(&request);
	g_free(buttons);
	return handle;
}

static void *
on_request_action(const char *title, const char *primary, const char *secondary, int default_action,
		PurpleAccount *account, const char *who, PurpleConversation *conv, void *user_data,
		size_t action_count, va_list actions)
{
	return on_request_action_with_icon(title, primary, secondary, default_action, account, who, conv,
			NULL, 0, user_data, action_count, actions);
}

void
bellflower_request_ops_install(PurpleRequestUiOps *ui_ops, const BellflowerRequestOps *ops)
{
	installed = *ops;
	ui_ops->request_choice = on_request_choice;
	ui_ops->request_action = on_request_action;
	ui_ops->request_action_with_icon = on_request_action_with_icon;
}

void
bellflower_call_choice(GCallback callback, void *user_data, int choice)
{
	if (callback)
		((PurpleRequestChoiceCb)callback)(user_data, choice);
}

void
bellflower_call_action(GCallback callback, void *user_data, int action)
{
	if (callback)
		((PurpleRequestActionCb)callback)(user_data, action);
}

void
bellflower_call_input(GCallback callback, void *user_data, const char *value)
{
	if (callback)
		((PurpleRequestInputCb)callback)(user_data, value);
}

void
bellflower_call_fields(GCallback callback, void *user_data, PurpleRequestFields *fields)
{
	if (callback)
		((PurpleRequestFieldsCb)callback)(user_data, fields);
}
