from django.contrib import admin

from .models import Task


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):
    list_display = ["title", "id", "business", "form_id", "active", "modified_at"]
    list_select_related = ["business"]
    list_filter = ["active"]
    search_fields = ["title", "message"]
    list_per_page = 50
