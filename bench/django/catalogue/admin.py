from django.contrib import admin

from .models import Task


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):
    # Businesses are read by a second query. By default Django joins them, and then sorts every task
    # for each page.
    list_display = ["title", "id", "business_name", "form_id", "active", "modified_at"]
    list_filter = ["active"]
    search_fields = ["title", "message"]
    list_per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("business")

    @admin.display(description="business")
    def business_name(self, task):
        return task.business.name
