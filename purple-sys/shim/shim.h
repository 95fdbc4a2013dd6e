/* What Rust cannot say to libpurple by itself: va_list callbacks and macros over structs. */
#ifndef BELLFLOWER_SHIM_H
#define BELLFLOWER_SHIM_H
#include <purple.h>

/* One button of a choice or an action: its text and the callback that belongs to it. */
typedef struct {
	const char *label;
	GCallback callback;
	int value;
} BellflowerButton;

/* What a request with variable arguments asks for, flattened. Valid during the call only. */
typedef struct {
	const char *title;
	const char *primary;
	const char *secondary;
	const char *who;
	PurpleAccount *account;
	PurpleConversation *conversation;
	void *user_data;
	int default_value;
	const char *ok_label;
	const char *cancel_label;
	GCallback ok;
	GCallback cancel;
	const void *icon;
	gsize icon_size;
	const BellflowerButton *buttons; /* the actions, or the choices */
	gsize n_buttons;
} BellflowerRequest;

/* Implemented in Rust; each returns the UI handle. */
typedef struct {
	void *(*choice)(const BellflowerRequest *request);
	void *(*action)(const BellflowerRequest *request);
} BellflowerRequestOps;

/* Fills the two (three) variable-argument members of the ops with functions that flatten and call `ops`. */
void bellflower_request_ops_install(PurpleRequestUiOps *ui_ops, const BellflowerRequestOps *ops);

/* libpurple's callback shapes, called with the right C types. */
void bellflower_call_choice(GCallback callback, void *user_data, int choice);
void bellflower_call_action(GCallback callback, void *user_data, int action);
void bellflower_call_input(GCallback callback, void *user_data, const char *value);
void bellflower_call_fields(GCallback callback, void *user_data, PurpleRequestFields *fields);

#endif
